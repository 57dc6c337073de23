//! Who gets through which row, printed: a change of policy is a diff of `api.txt`, `console.txt` or `gateway.txt`.

use domain::routes::Surface;

use super::aims::{Aim, aims};
use super::callers::{Caller, sign};
use super::company::Company;
use super::things::{Relation, relations, standing};
use crate::server::verify;

const LEGEND: &str = "\
Each sign is one call, aimed at: o of the caller's own project, p of another project of the organization, f of another
organization, n not there; in the console also a: f in the other organization's own addresses. All alike: one sign.
+ let through    1 who are you (401)    > sent to sign in    3 forbidden (403)    4 hidden (404)
0 bad input (400)    9 conflict (409): neither may stand where the aim is o.
";

async fn print(surface: Surface, title: &str, file: &str) {
    let company = Company::new().await;
    let mut callers = company.callers(surface).await;
    let aims = aims(surface);
    let width = aims.iter().map(|aim| aim.name().chars().count()).max().unwrap_or_default() + 1;
    let mut text = format!("{title}\n{LEGEND}\n{:<width$}{:<6}", "row", "aim");
    let columns: Vec<usize> = callers.iter().map(|caller| caller.name.len().max(5) + 2).collect();
    for (caller, column) in callers.iter().zip(&columns) {
        text += &format!("{:<column$}", caller.name);
    }
    let mut unproved = Vec::new();
    for aim in &aims {
        let relations = relations(aim);
        let letters: String = relations.iter().map(|relation| relation.letter()).collect();
        let mut line = format!("{:<width$}{letters:<6}", aim.name());
        let mut is_open = false;
        for (caller, column) in callers.iter_mut().zip(&columns) {
            let mut cell = String::new();
            for relation in &relations {
                cell.push(try_out(&company, aim, caller, *relation).await);
            }
            check(surface, aim, caller, (&letters, &cell));
            is_open |= cell.contains('+');
            let is_uniform = cell.chars().all(|sign| cell.starts_with(sign));
            line += &format!("{:<column$}", if is_uniform { &cell[..1] } else { &cell });
        }
        if aim.ends_sessions() {
            for caller in &mut callers {
                company.sign_in(caller).await;
            }
        }
        if !is_open && !is_set_up(aim.route.path) {
            unproved.push(aim.name());
        }
        text += &format!("\n{}", line.trim_end());
    }
    text.push('\n');
    assert!(unproved.is_empty(), "nobody came through, so these rows prove nothing: {unproved:#?}");
    let (is_whole, report) = verify(company.world.folder.path(), None).await;
    assert!(is_whole, "ledger and trail hold after all of it: {report}");
    compare(file, &text);
}

async fn try_out(company: &Company, aim: &Aim, caller: &mut Caller, relation: Relation) -> char {
    if aim.ends_sessions() {
        company.sign_in(caller).await;
    }
    let answer = company.send(aim, caller, |name| standing(aim, name, relation)).await;
    let sign = sign(aim, &answer);
    if sign == '+' && aim.is_write() {
        company.forget(aim, relation).await;
    }
    company.bring_back(aim).await;
    sign
}

/// A body that is refused where it should fit proves nothing, and nobody comes in with a dead credential.
fn check(surface: Surface, aim: &Aim, caller: &Caller, (letters, cell): (&str, &str)) {
    let home = if caller.name == "foreign" && letters.contains('f') { 'f' } else { 'o' };
    let at_home = letters.chars().zip(cell.chars()).find(|(letter, _)| *letter == home);
    let is_fit = !matches!(at_home, Some((_, '0' | '9'))) || is_set_up(aim.route.path);
    assert!(is_fit, "{} refuses the body of aims.txt as {}: {cell}", aim.name(), caller.name);
    let is_let_in = is_stranger(surface, caller) && !aim.is_public() && cell.contains('+');
    assert!(!is_let_in, "{} lets in {}: {cell}", aim.name(), caller.name);
}

/// The set-up link works only while there is nobody; the browser suite walks it.
fn is_set_up(path: &str) -> bool {
    path.starts_with("/setup/")
}

/// Whether a caller must not come through any row but the public ones.
fn is_stranger(surface: Surface, caller: &Caller) -> bool {
    let dead = ["none", "malformed", "expired", "revoked", "disabled", "removed", "archived", "admin-key"];
    if surface == Surface::Gateway { dead.contains(&caller.name) } else { caller.user_id.is_empty() }
}

fn compare(file: &str, text: &str) {
    let path = format!("{}/tests/it/doors/{file}", env!("CARGO_MANIFEST_DIR"));
    let printed = std::fs::read_to_string(&path).unwrap_or_default();
    if printed != text {
        std::fs::write(&path, text).unwrap();
    }
    assert!(printed == text, "the answers changed: {path} was printed again, review its diff");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_admin_api_answers_each_caller_as_printed() {
    print(Surface::Api, "Endpoint x caller of the admin API.", "api.txt").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_console_answers_each_caller_as_printed() {
    print(Surface::Console, "Endpoint x caller of the console.", "console.txt").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_gateway_answers_each_key_as_printed() {
    print(Surface::Gateway, "Endpoint x key of the gateway; the aim is the model.", "gateway.txt").await;
}
