//! Key scopes: a closed list, in the words of the compatible API, of what a key may be restricted to. A scope covers
//! reading or calling some families of endpoints; one that covers all that another covers implies it.

use crate::error::Error;

macro_rules! families {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $calls_models:literal;)*) => {
        /// A family of endpoints of the data plane.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Family { $($(#[$doc])* $variant,)* }

        impl Family {
            /// Every family.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for people.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Whether its requests are calls of a model.
            pub const fn calls_models(self) -> bool {
                match self { $(Self::$variant => $calls_models,)* }
            }
        }
    };
}

families! {
    /// Chat completions.
    Chat = "chat completions", true;
    /// Responses.
    Responses = "responses", true;
    /// Embeddings.
    Embeddings = "embeddings", true;
    /// Images.
    Images = "images", true;
    /// Speech and transcription.
    Audio = "audio", true;
    /// Moderations.
    Moderations = "moderations", true;
    /// Messages, in Anthropic's format.
    Messages = "messages", true;
    /// Content, in Gemini's format.
    Gemini = "Gemini content", true;
    /// The list of models.
    Models = "models", false;
    /// Files.
    Files = "files", false;
    /// Batches.
    Batches = "batches", false;
}

/// What is done through an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Something that is there is looked at.
    Read,
    /// Something is made: a call of a model, a file, a batch.
    Request,
}

/// What a scope covers.
#[derive(Clone, Copy, Debug)]
enum Covers {
    Everything,
    EveryRead,
    EveryModelRequest,
    One(Family, Act),
}

macro_rules! scopes {
    ($($variant:ident = $name:literal, $covers:expr, $sentence:literal;)*) => {
        /// One scope.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope { $(#[doc = $sentence] $variant,)* }

        impl Scope {
            /// Every scope, the widest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name on the wire and in the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it allows, in one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            const fn coverage(self) -> Covers {
                use Covers::{Everything, EveryModelRequest, EveryRead, One};
                match self { $(Self::$variant => $covers,)* }
            }
        }
    };
}

scopes! {
    All = "api.all", Everything, "Everything that the key's project may do.";
    AllRead = "api.all.read", EveryRead, "Everything that only looks.";
    ModelRequest = "api.model.request", EveryModelRequest, "Call models through every endpoint.";
    ModelRead = "api.model.read", One(Family::Models, Act::Read), "List the models that the key may use.";
    Chat = "api.chat.request", One(Family::Chat, Act::Request), "Call models through chat completions.";
    ResponsesWrite = "api.responses.write", One(Family::Responses, Act::Request), "Call models through responses.";
    ResponsesRead = "api.responses.read", One(Family::Responses, Act::Read), "Read responses that were kept.";
    Embeddings = "api.embeddings.request", One(Family::Embeddings, Act::Request), "Turn text into vectors.";
    Images = "api.images.request", One(Family::Images, Act::Request), "Make and change images.";
    Audio = "api.audio.request", One(Family::Audio, Act::Request), "Make and transcribe speech.";
    Moderations = "api.moderations.request", One(Family::Moderations, Act::Request), "Have content judged.";
    Messages = "api.messages.request", One(Family::Messages, Act::Request),
        "Call models through messages, in Anthropic's format.";
    Gemini = "api.gemini.request", One(Family::Gemini, Act::Request), "Call models in Gemini's format.";
    FilesWrite = "api.files.write", One(Family::Files, Act::Request), "Upload and delete files.";
    FilesRead = "api.files.read", One(Family::Files, Act::Read), "Read files.";
    BatchesWrite = "api.batches.write", One(Family::Batches, Act::Request), "Start and cancel batches.";
    BatchesRead = "api.batches.read", One(Family::Batches, Act::Read), "Read batches.";
}

impl Scope {
    /// The scope of that name, or of its older form without `api.` at the front, as in `model.request`.
    pub fn parse(name: &str) -> Option<Self> {
        let short = |name: &'static str| name.strip_prefix("api.").unwrap_or(name);
        Self::ALL.iter().copied().find(|scope| scope.name() == name || short(scope.name()) == name)
    }

    /// Whether it allows this of this family.
    pub const fn covers(self, family: Family, act: Act) -> bool {
        match self.coverage() {
            Covers::Everything => true,
            Covers::EveryRead => matches!(act, Act::Read),
            Covers::EveryModelRequest => matches!(act, Act::Request) && family.calls_models(),
            Covers::One(only, what) => only as u8 == family as u8 && what as u8 == act as u8,
        }
    }

    /// Whether it allows all that the other allows.
    pub fn implies(self, other: Self) -> bool {
        let is_kept = |family: &Family| {
            [Act::Read, Act::Request]
                .iter()
                .all(|act| !other.covers(*family, *act) || self.covers(*family, *act))
        };
        Family::ALL.iter().all(is_kept)
    }

    /// The narrowest scope that allows this of this family.
    pub fn needed(family: Family, act: Act) -> Self {
        Self::ALL.iter().rev().copied().find(|scope| scope.covers(family, act)).unwrap_or(Self::All)
    }
}

/// The scopes of a key as they are kept: by their names, in the order of the list, each once.
///
/// # Errors
/// `unknown_scope` with the list of those there are.
pub fn checked(words: &[String]) -> Result<Vec<String>, Error> {
    let mut scopes = Vec::new();
    for word in words {
        let Some(scope) = Scope::parse(word) else {
            let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
            let sentence = format!("There is no scope {word}. Use some of: {}.", all.join(" "));
            return Err(Error::invalid_param("unknown_scope", "scopes", sentence));
        };
        scopes.push(scope);
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes.iter().map(|scope| scope.name().to_owned()).collect())
}

/// Whether a key of these scopes may do this with this family; without scopes it may do everything. A name that is
/// not in the list allows nothing.
pub fn allow(scopes: &[String], family: Family, act: Act) -> bool {
    let covers = |name: &String| Scope::parse(name).is_some_and(|scope| scope.covers(family, act));
    scopes.is_empty() || scopes.iter().any(covers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn every_scope_is_found_by_its_name_and_its_older_form_alone() {
        for scope in Scope::ALL.iter().copied() {
            assert_eq!(Scope::parse(scope.name()), Some(scope));
            assert_eq!(Scope::parse(scope.name().strip_prefix("api.").unwrap()), Some(scope));
        }
        for unknown in
            ["", "api", "api.", "api.api.all", "model", "api.model.request ", "API.ALL", "api.videos.write"]
        {
            assert_eq!(Scope::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_kept_is_in_order_once_and_known() {
        let kept = checked(&words("model.request api.model.read api.model.request all")).unwrap();
        assert_eq!(kept, words("api.all api.model.request api.model.read"));
        let refused = checked(&words("api.chat.request api.chat.write")).unwrap_err();
        assert_eq!(refused.code(), "unknown_scope");
        assert!(
            refused.to_string().contains("api.chat.write")
                && refused.to_string().contains("api.audio.request")
        );
    }

    #[test]
    fn wider_scopes_imply_narrower_ones_and_never_the_other_way() {
        use Scope::{All, AllRead, BatchesWrite, Chat, FilesRead, ModelRead, ModelRequest, ResponsesWrite};
        for (wide, narrow) in [
            (All, ModelRequest),
            (All, AllRead),
            (ModelRequest, Chat),
            (ModelRequest, ResponsesWrite),
            (AllRead, ModelRead),
            (AllRead, FilesRead),
        ] {
            assert!(wide.implies(narrow) && !narrow.implies(wide), "{wide:?} {narrow:?}");
        }
        for (one, other) in [(ModelRequest, ModelRead), (ModelRequest, BatchesWrite), (AllRead, Chat)] {
            assert!(!one.implies(other) && !other.implies(one), "{one:?} {other:?}");
        }
    }

    #[test]
    fn every_act_needs_a_scope_of_its_own_where_there_is_one() {
        for family in Family::ALL.iter().copied() {
            for act in [Act::Read, Act::Request] {
                let needed = Scope::needed(family, act);
                assert!(needed.covers(family, act));
                assert!(allow(&[needed.name().to_owned()], family, act));
                for scope in Scope::ALL.iter().filter(|scope| needed.implies(**scope)) {
                    assert!(
                        *scope == needed || !scope.covers(family, act),
                        "{needed:?} is not the narrowest"
                    );
                }
            }
        }
        assert_eq!(Scope::needed(Family::Chat, Act::Request), Scope::Chat);
    }

    #[test]
    fn no_scopes_allow_everything_and_unknown_ones_nothing() {
        assert!(allow(&[], Family::Files, Act::Request));
        assert!(!allow(&words("of.another.time"), Family::Models, Act::Read));
    }
}
