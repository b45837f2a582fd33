//! Files that nothing reads: one warning for each folder, however many there are.

use std::collections::BTreeMap;

use diagnostics::Diagnostic;

/// The names that are shown of each folder.
const SHOWN: usize = 3;

/// The warnings about some files, by their paths; `why` says why nothing reads them, `hint` what to do.
pub fn unread(paths: &[String], why: &str, hint: &str) -> Vec<Diagnostic> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        folders.entry(folder).or_default().push(name);
    }
    let warning = |(folder, names): (&str, Vec<&str>)| {
        let message = match names.as_slice() {
            [name] => format!("nothing reads `{folder}/{name}`: {why}"),
            names => format!("nothing reads {} in `{folder}`: {why}", listed(names)),
        };
        Diagnostic::warning("file-unread", message).hint(hint)
    };
    folders.into_iter().map(warning).collect()
}

fn listed(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    let shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = names.len() - shown.len();
    match (shown.split_last(), more) {
        (Some((last, before)), 0) => format!("{} and {last}", before.join(", ")),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::unread;

    #[test]
    fn one_warning_a_folder() {
        let paths = [
            "a/1.txt", "b/x", "a/2.txt", "a/3.txt", "a/4.txt", "c/1", "c/2",
        ];
        let paths = paths.map(str::to_owned);
        let said: Vec<String> = unread(&paths, "why", "hint")
            .into_iter()
            .map(|one| one.message)
            .collect();
        assert_eq!(
            said,
            [
                "nothing reads `1.txt`, `2.txt`, `3.txt` and 1 more in `a`: why",
                "nothing reads `b/x`: why",
                "nothing reads `1` and `2` in `c`: why"
            ]
        );
    }
}
