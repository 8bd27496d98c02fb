//! The folder's files, and how what is wrong with them is shown.

use crate::problem::{Exit, Problem};
use rtr_connectors::registry;
use rtr_core::config::{ConfigSet, Diagnostic, SourceFile, load};
use std::path::Path;

/// The YAML files below `dir`, and what CRMs describe, by their paths within it.
pub(super) fn read(dir: &Path) -> Result<Vec<SourceFile>, Problem> {
    if !dir.is_dir() {
        return Err(Problem::not_found(format!("there is no folder {}", dir.display()))
            .hint("name the folder of YAML files: rtr config check DIR"));
    }
    let files = read_if_there(dir)?;
    if files.is_empty() {
        return Err(Problem::usage(format!("{} holds no YAML file", dir.display())));
    }
    Ok(files)
}

/// The same; none where the folder is not there, or holds none.
pub(super) fn read_if_there(dir: &Path) -> Result<Vec<SourceFile>, Problem> {
    let mut files = Vec::new();
    if dir.exists() {
        walk(dir, "", &mut files)
            .map_err(|error| Problem::usage(format!("{} cannot be read: {error}", dir.display())))?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(dir: &Path, within: &str, files: &mut Vec<SourceFile>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
        let told = |what: String| std::io::Error::other(format!("{path}{what}"));
        if entry.path().is_dir() {
            // One that leads back to a folder above would never end.
            if entry.file_type()?.is_symlink() {
                return Err(told(
                    " is a link to a folder, which is not followed; link its files, or move them here"
                        .to_owned(),
                ));
            }
            walk(&entry.path(), &path, files)?;
        } else if name.ends_with(".yaml") || name.ends_with(".yml") || is_description(&path) {
            if !entry.path().is_file() {
                return Err(told(" is no file that can be read".to_owned()));
            }
            let bytes = std::fs::read(entry.path()).map_err(|error| told(format!(": {error}")))?;
            let text = String::from_utf8(bytes).map_err(|error| told(not_utf8(&error)))?;
            files.push(SourceFile { path, text });
        }
    }
    Ok(())
}

/// Where a file is no UTF-8, in words that follow its name.
fn not_utf8(error: &std::string::FromUtf8Error) -> String {
    let before = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    format!(":{line}:{column} is not UTF-8; save the file as UTF-8")
}

/// What a CRM describes, which `rtr connection test --save` keeps here.
fn is_description(path: &str) -> bool {
    path.starts_with("crm/") && path.ends_with(".json")
}

/// What the folder says, or everything that is wrong with it.
pub(super) fn checked(files: &[SourceFile]) -> Result<ConfigSet, Vec<Diagnostic>> {
    load(files, &registry::facts())
}

/// The folder's configuration for a command that goes on only when all of it is right.
pub(crate) fn load_or_refuse(dir: &Path) -> Result<ConfigSet, Problem> {
    checked(&read(dir)?).map_err(|found| refusal(dir, &found))
}

/// A refusal that shows every error.
pub(super) fn refusal(dir: &Path, found: &[Diagnostic]) -> Problem {
    let lines: Vec<String> = found.iter().map(|one| line(dir, one)).collect();
    let what = format!("{} has errors, so nothing was done\n{}", dir.display(), lines.join("\n"));
    Problem { exit: Exit::Usage, what, hint: None }
}

/// `config/orgs/acme.yaml:3:5: RTR2002 message; did you mean …?`, and the line with a caret.
pub(super) fn line(dir: &Path, one: &Diagnostic) -> String {
    one.shown(&dir.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_errors_when_shown_then_each_line_can_be_clicked() {
        let one = Diagnostic {
            file: "orgs/acme.yaml".to_owned(),
            line: 3,
            column: 5,
            message: "unknown key `prvider`".to_owned(),
            suggestion: Some("provider".to_owned()),
            code: "RTR2001",
            source: "    prvider: hubspot".to_owned(),
        };
        let problem = refusal(Path::new("conf"), &[one]);
        assert_eq!(problem.exit.code(), 2);
        insta::assert_snapshot!(problem, @r"
        rtr: conf has errors, so nothing was done
        conf/orgs/acme.yaml:3:5: RTR2001 unknown key `prvider`; did you mean `provider`?
          3 |     prvider: hubspot
            |     ^
        ");
    }

    #[test]
    fn given_a_folder_when_read_then_yaml_files_are_found_at_any_depth_and_others_are_left() {
        let dir = std::env::temp_dir().join(format!("rtr-folder-{}", std::process::id()));
        for file in [
            "orgs/acme.yaml",
            "mappings/hubspot/contact.yml",
            "schema/org.json",
            "crm/acme/hubspot/contacts.json",
            ".git/x.yaml",
        ] {
            let path = dir.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "a: 1\n").unwrap();
        }
        let paths: Vec<String> = read(&dir).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(
            paths,
            ["crm/acme/hubspot/contacts.json", "mappings/hubspot/contact.yml", "orgs/acme.yaml"]
        );
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(read(&dir).unwrap_err().exit, Exit::NotFound);
    }

    #[test]
    fn given_a_link_that_leads_round_or_what_is_no_file_when_read_then_it_is_told_at_once() {
        let dir = std::env::temp_dir().join(format!("rtr-folder-odd-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("orgs")).unwrap();
        std::os::unix::fs::symlink("..", dir.join("orgs/round")).unwrap();
        let told = read(&dir).unwrap_err().what;
        assert!(told.contains("orgs/round is a link to a folder"), "{told}");
        std::fs::remove_file(dir.join("orgs/round")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.join("orgs/a.yaml")).unwrap();
        let told = read(&dir).unwrap_err().what;
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(told.contains("orgs/a.yaml is no file"), "{told}");
    }

    #[test]
    fn given_a_file_in_another_encoding_when_read_then_its_first_wrong_character_is_named() {
        let dir = std::env::temp_dir().join(format!("rtr-folder-latin-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("org.yaml"), b"org: acme\nnote: Ren\xe9\n").unwrap();
        let told = read(&dir).unwrap_err().what;
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(told.ends_with("org.yaml:2:10 is not UTF-8; save the file as UTF-8"), "{told}");
    }
}
