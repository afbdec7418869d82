//! Parses Stripe's form encoding, such as `a[b][c]=d`, to a tree.

use std::collections::BTreeMap;

/// A parsed form parameter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Param {
    Text(String),
    Map(BTreeMap<String, Param>),
}

/// Returns the decoded fields of a form body in order.
pub(crate) fn fields(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// Builds a tree of the fields. Returns the name of the first field that is malformed, repeated, or
/// both a text and a tree.
pub(crate) fn tree(fields: &[(String, String)]) -> Result<BTreeMap<String, Param>, String> {
    let mut root = BTreeMap::new();
    for (name, value) in fields {
        let path = path(name).ok_or_else(|| name.clone())?;
        insert(&mut root, &path, value).ok_or_else(|| name.clone())?;
    }
    Ok(root)
}

/// Splits `a[b][c]` to `a`, `b`, `c`.
fn path(name: &str) -> Option<Vec<&str>> {
    let (root, rest) = name.find('[').map_or((name, ""), |at| name.split_at(at));
    let mut path = vec![root];
    let mut rest = rest;
    while !rest.is_empty() {
        let (key, after) = rest.strip_prefix('[')?.split_once(']')?;
        path.push(key);
        rest = after;
    }
    path.iter().all(|key| !key.is_empty() && !key.contains(['[', ']'])).then_some(path)
}

fn insert(map: &mut BTreeMap<String, Param>, path: &[&str], value: &str) -> Option<()> {
    let (key, rest) = path.split_first()?;
    if rest.is_empty() {
        return map
            .insert((*key).to_owned(), Param::Text(value.to_owned()))
            .is_none()
            .then_some(());
    }
    match map.entry((*key).to_owned()).or_insert_with(|| Param::Map(BTreeMap::new())) {
        Param::Map(inner) => insert(inner, rest, value),
        Param::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_brackets_become_a_tree() {
        let tree = tree(&fields(b"a%5Bb%5D%5Bc%5D=d+%2B&a[e]=")).unwrap();
        let c = Param::Map(BTreeMap::from([("c".to_owned(), Param::Text("d +".to_owned()))]));
        let a = Param::Map(BTreeMap::from([
            ("b".to_owned(), c),
            ("e".to_owned(), Param::Text(String::new())),
        ]));
        assert_eq!(tree, BTreeMap::from([("a".to_owned(), a)]));
    }

    #[test]
    fn malformed_or_repeated_parameter_is_rejected() {
        for bad in
            ["a=1&a=2", "a=1&a[b]=2", "a[b]=1&a=2", "a[=1", "a[b]c=1", "[a]=1", "a[]=1", "=1"]
        {
            assert!(tree(&fields(bad.as_bytes())).is_err(), "{bad}");
        }
    }
}
