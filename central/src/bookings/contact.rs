//! Where to reach a customer, as far as a form can check it.

use super::store::Contact;
use node::problem::Problem;
use serde::{Deserialize, Serialize};

/// An e-mail address or a telephone number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl ContactBody {
    /// The contact, where it can be one.
    ///
    /// # Errors
    /// 422 `bad_contact`.
    pub fn check(&self) -> Result<Contact, Problem> {
        let bad = |detail: &str| Err(Problem::unprocessable("bad_contact", detail));
        match (self.email.as_deref().map(str::trim), self.phone.as_deref().map(str::trim)) {
            (Some(email), None) if is_email(email) => Ok(Contact::Email(email.to_owned())),
            (None, Some(phone)) if is_phone(phone) => Ok(Contact::Phone(phone.to_owned())),
            (Some(_), None) => bad("That is not an e-mail address."),
            (None, Some(_)) => bad("That is not a telephone number."),
            (Some(_), Some(_)) | (None, None) => bad("Give an e-mail address or a telephone number."),
        }
    }
}

fn is_email(text: &str) -> bool {
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'));
    let parts = text.rsplit_once('@');
    plain
        && text.len() <= 254
        && parts.is_some_and(|(name, host)| !name.is_empty() && !name.contains('@') && !host.is_empty())
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (6..=15).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_number_is_needed_and_not_both() {
        let table = "
            a@b.in   -              yes
            a@b      -              yes
            -        +91 98765-4321 yes
            -        -              no
            a@b.in   9876543210     no
            a.b.in   -              no
            @b.in    -              no
            a@b@c.in -              no
            a@b,c    -              no
            -        12345          no
            -        98765x3210     no
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (email, rest) = line.split_once(' ').expect("columns");
            let (phone, answer) = rest.trim().rsplit_once(' ').expect("columns");
            let some = |text: &str| Some(text.trim().to_owned()).filter(|text| text != "-");
            let contact = ContactBody { email: some(email), phone: some(phone) };
            assert_eq!(contact.check().is_ok(), answer == "yes", "{line}");
        }
    }
}
