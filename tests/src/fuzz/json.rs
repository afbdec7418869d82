//! A second JSON parser, written from the grammar of RFC 8259. It is the oracle for tokens and
//! bodies.

/// Maximum nesting depth of objects and arrays.
const MAX_DEPTH: usize = 16;

/// A JSON value. An object keeps its members in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as the nearest double.
    Number(f64),
    /// A string with resolved escapes.
    Text(String),
    /// An array.
    Array(Vec<Self>),
    /// An object without duplicate names.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// Parses one object. Returns `None` for other values, duplicate names and too deep nesting.
    #[must_use]
    pub fn object(bytes: &[u8]) -> Option<Vec<(String, Self)>> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut reader = Reader { rest: text };
        let value = reader.value(MAX_DEPTH)?;
        reader.space();
        match value {
            Self::Object(members) if reader.rest.is_empty() => Some(members),
            _ => None,
        }
    }
}

/// Returns a member of an object.
#[must_use]
pub fn member<'a>(members: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Skips white space, then consumes this text.
    fn next(&mut self, text: &str) -> bool {
        self.space();
        self.take(text)
    }

    fn value(&mut self, levels: usize) -> Option<Json> {
        self.space();
        match self.rest.chars().next()? {
            '{' => self.members(levels.checked_sub(1)?).map(Json::Object),
            '[' => self.elements(levels.checked_sub(1)?).map(Json::Array),
            '"' => self.text().map(Json::Text),
            't' => self.take("true").then_some(Json::Bool(true)),
            'f' => self.take("false").then_some(Json::Bool(false)),
            'n' => self.take("null").then_some(Json::Null),
            _ => self.number().map(Json::Number),
        }
    }

    fn members(&mut self, levels: usize) -> Option<Vec<(String, Json)>> {
        let mut members: Vec<(String, Json)> = Vec::new();
        self.take("{");
        if self.next("}") {
            return Some(members);
        }
        loop {
            self.space();
            let name = self.text()?;
            if !self.next(":") || members.iter().any(|(known, _)| *known == name) {
                return None;
            }
            members.push((name, self.value(levels)?));
            if self.next("}") {
                return Some(members);
            }
            if !self.next(",") {
                return None;
            }
        }
    }

    fn elements(&mut self, levels: usize) -> Option<Vec<Json>> {
        let mut elements = Vec::new();
        self.take("[");
        if self.next("]") {
            return Some(elements);
        }
        loop {
            elements.push(self.value(levels)?);
            if self.next("]") {
                return Some(elements);
            }
            if !self.next(",") {
                return None;
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        if !self.take("\"") {
            return None;
        }
        let mut units: Vec<u16> = Vec::new();
        loop {
            let c = self.rest.chars().next()?;
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '"' => return String::from_utf16(&units).ok(),
                '\\' => units.push(self.escape()?),
                '\0'..='\u{1f}' => return None,
                c => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
            }
        }
    }

    /// Parses one UTF-16 unit. A surrogate pair is two escapes, joined at the end of the string.
    fn escape(&mut self) -> Option<u16> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(match c {
            '"' | '\\' | '/' => c as u16,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let digits = self
                    .rest
                    .get(..4)
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
                self.rest = &self.rest[4..];
                u16::from_str_radix(digits, 16).ok()?
            }
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<f64> {
        let whole = self.rest;
        let digits = |rest: &mut &str| {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            *rest = &rest[length..];
            length
        };
        self.take("-");
        if !self.take("0") && digits(&mut self.rest) == 0 {
            return None;
        }
        if self.take(".") && digits(&mut self.rest) == 0 {
            return None;
        }
        if self.take("e") || self.take("E") {
            let _signed = self.take("+") || self.take("-");
            if digits(&mut self.rest) == 0 {
                return None;
            }
        }
        // A number beyond the range of a double cannot be compared.
        whole[..whole.len() - self.rest.len()]
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reader_accepts_exactly_the_json_grammar() {
        let good =
            [r#"{}"#, r#" {"a" : [1, -0.5e+3, true,null] , "b":{"\u0061":"\ud83d\ude00\n"}}"#];
        let bad = [
            "[]",
            "{",
            "{}x",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":1,}",
            "{\"a\":1,\"\\u0061\":2}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":NaN}",
            "{\"a\":1e400}",
            "{\"a\":\"\t\"}",
            "{'a':1}",
            "\u{feff}{}",
        ];
        assert!(good.iter().all(|text| Json::object(text.as_bytes()).is_some()));
        let taken: Vec<_> =
            bad.iter().filter(|text| Json::object(text.as_bytes()).is_some()).collect();
        assert!(taken.is_empty(), "{taken:?}");
        let deep = |levels: usize| {
            format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert!(Json::object(deep(16).as_bytes()).is_some());
        assert!(Json::object(deep(17).as_bytes()).is_none());
    }
}
