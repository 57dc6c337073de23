//! Mails: letters become text and HTML from templates beside this file, and go to the operator's mail server.

mod words;

use std::time::Duration;

use domain::messages::{Letter, Mail};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

/// The mail server has so long to take a mail.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why a mail was not taken.
#[derive(Debug)]
pub enum Refusal {
    /// It may be taken later.
    Passing(String),
    /// It never will be: the address is refused.
    Final(String),
}

/// Whether a server's address and a sender can be read.
///
/// # Errors
/// One sentence naming the setting that is wrong.
pub fn check(server: &str, from: &str) -> Result<(), String> {
    read(server, from).map(drop)
}

fn read(server: &str, from: &str) -> Result<(AsyncSmtpTransportBuilder, Mailbox), String> {
    let from = from.parse().map_err(|error| format!("mail.from: {error}"))?;
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(server);
    Ok((builder.map_err(|error| format!("mail.server: {error}"))?, from))
}

/// Speaks to the mail server.
pub struct Mailer {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// For a server's address (`smtp://user:password@host:587?tls=required`, `smtps://…`) and a sender. Its pool of
    /// connections needs the runtime.
    ///
    /// # Errors
    /// One sentence naming the setting that is wrong.
    pub fn new(server: &str, from: &str) -> Result<Self, String> {
        let (builder, from) = read(server, from)?;
        Ok(Self { server: builder.timeout(Some(TIMEOUT)).build(), from })
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// Whether it may be taken later, and what the server said.
    pub async fn send(&self, mail: &Mail, letter: &Letter) -> Result<(), Refusal> {
        let message = self.message(mail, letter).map_err(Refusal::Final)?;
        match self.server.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(Refusal::Final(error.to_string())),
            Err(error) => Err(Refusal::Passing(error.to_string())),
        }
    }

    fn message(&self, mail: &Mail, letter: &Letter) -> Result<Message, String> {
        let words = words::of(letter).map_err(|error| error.to_string())?;
        let to: Mailbox = mail.recipient.parse().map_err(|error| format!("{error}"))?;
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(words.subject)
            // The same at every attempt, so that a mail that arrives twice is recognised.
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .multipart(MultiPart::alternative_plain_html(words.text, words.html))
            .map_err(|error| error.to_string())
    }
}
