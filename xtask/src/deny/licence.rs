//! SPDX licence expressions: whether one can be met with the licences that are allowed.

/// Whether some choice among the `OR`s needs allowed licences only. The old `/` means `OR`.
pub(super) fn allowed(expression: &str, allow: &[String]) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allow };
    let met = parser.any()?;
    if parser.words.is_empty() { Ok(met) } else { Err(format!("unexpected `{}`", parser.words.join(" "))) }
}

struct Parser<'a> {
    words: &'a [&'a str],
    allow: &'a [String],
}

impl<'a> Parser<'a> {
    /// `all (OR all)*`; OR binds less than AND.
    fn any(&mut self) -> Result<bool, String> {
        let mut met = self.all()?;
        while self.eat("OR") {
            met |= self.all()?;
        }
        Ok(met)
    }

    /// `one (AND one)*`
    fn all(&mut self) -> Result<bool, String> {
        let mut met = self.one()?;
        while self.eat("AND") {
            met &= self.one()?;
        }
        Ok(met)
    }

    /// `( any )`, `NAME` or `NAME WITH EXCEPTION`
    fn one(&mut self) -> Result<bool, String> {
        if self.eat("(") {
            let met = self.any()?;
            return if self.eat(")") { Ok(met) } else { Err("a parenthesis is left open".into()) };
        }
        let name = self.next()?;
        let licence = if self.eat("WITH") { format!("{name} WITH {}", self.next()?) } else { name.to_owned() };
        Ok(self.allow.contains(&licence))
    }

    fn next(&mut self) -> Result<&'a str, String> {
        let (first, rest) = self.words.split_first().ok_or("it ends too early")?;
        self.words = rest;
        if ["OR", "AND", "WITH", "(", ")"].contains(first) { Err(format!("unexpected `{first}`")) } else { Ok(first) }
    }

    fn eat(&mut self, word: &str) -> bool {
        let there = self.words.first() == Some(&word);
        if there {
            self.words = self.words.get(1..).unwrap_or_default();
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> Result<bool, String> {
        allowed(expression, &["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(String::from))
    }

    #[test]
    fn one_allowed_choice_is_enough_and_every_part_of_it_is_needed() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("MIT OR GPL-3.0", true),
            ("MIT/GPL-3.0", true),
            ("Unlicense / MIT", true),
            ("MIT AND GPL-3.0", false),
            ("GPL-3.0 OR MIT AND ISC", true),
            ("MIT AND GPL-3.0 OR BSD", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", false),
            ("ISC AND (Apache-2.0 OR ISC)", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
        ] {
            assert_eq!(met(expression), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        for broken in ["", "MIT OR", "(MIT", "MIT)", "OR MIT", "MIT MIT", "MIT WITH"] {
            assert!(met(broken).is_err(), "{broken}");
        }
    }
}
