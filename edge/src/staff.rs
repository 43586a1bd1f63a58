//! The people of the house: their roles, what each role may do, their PINs and sessions.

pub mod login;
pub mod people;
pub mod session;
pub mod turns;

use std::fmt;
use std::str::FromStr;

/// What a person is in this house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sells at the counter.
    Cashier,
    /// Sells, and takes sales back.
    Supervisor,
    /// Runs the house: devices, link, everything above.
    Manager,
    /// Stands at a door; sees no money.
    Door,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Cashier, Self::Supervisor, Self::Manager, Self::Door];

    /// The word in tables, answers and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::Supervisor => "supervisor",
            Self::Manager => "manager",
            Self::Door => "door",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role; roles are cashier, supervisor, manager, door")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == word)
            .ok_or_else(|| UnknownRole(word.chars().take(32).collect()))
    }
}

/// A text that is no name of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 32 letters, digits, spaces, dots or dashes")]
pub struct BadName;

/// A person's name without the space around it.
///
/// # Errors
/// If it is none.
pub fn name(text: &str) -> Result<String, BadName> {
    let text = text.trim();
    let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.'));
    if (1..=32).contains(&text.chars().count()) && plain { Ok(text.to_owned()) } else { Err(BadName) }
}

/// What an endpoint lets a person do; the router names one for each endpoint that takes a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Hold, renew and release seats.
    Hold,
    /// Sell seats and read the tickets of a sale.
    Sell,
    /// Void a sale.
    Void,
    /// Give tickets away.
    GiveAway,
    /// Hold the seats of a whole group.
    Group,
    /// Keep seats back for the house, and give them back to sale.
    Withhold,
    /// Open, look at, and close shifts, and move cash.
    Till,
    /// Read the reports of shifts and days, and check the till journal.
    Reports,
    /// Pair devices and declare them off.
    Devices,
    /// Switch the link by hand.
    Link,
    /// Add and cancel shows while central cannot be asked.
    Shows,
    /// Read and settle what a person must settle, and try dead letters again.
    Discrepancies,
    /// Open a box that nobody can prove, and put unknown seats on sale.
    Open,
    /// Be the second person of two.
    Attest,
    /// Let somebody new in, or give somebody a new PIN.
    Staff,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 15] = [
        Self::Hold,
        Self::Sell,
        Self::Void,
        Self::GiveAway,
        Self::Group,
        Self::Withhold,
        Self::Till,
        Self::Reports,
        Self::Devices,
        Self::Link,
        Self::Shows,
        Self::Discrepancies,
        Self::Open,
        Self::Attest,
        Self::Staff,
    ];

    /// Whether the role may do it.
    pub fn allowed_to(self, role: Role) -> bool {
        match self {
            Self::Hold | Self::Sell | Self::Till => matches!(role, Role::Cashier | Role::Supervisor | Role::Manager),
            Self::Void
            | Self::GiveAway
            | Self::Group
            | Self::Withhold
            | Self::Reports
            | Self::Discrepancies
            | Self::Attest => matches!(role, Role::Supervisor | Role::Manager),
            Self::Devices | Self::Link | Self::Shows | Self::Open | Self::Staff => role == Role::Manager,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_exactly_what_the_table_says() {
        let table = [
            (Task::Hold, "cashier supervisor manager"),
            (Task::Sell, "cashier supervisor manager"),
            (Task::Void, "supervisor manager"),
            (Task::GiveAway, "supervisor manager"),
            (Task::Group, "supervisor manager"),
            (Task::Withhold, "supervisor manager"),
            (Task::Till, "cashier supervisor manager"),
            (Task::Reports, "supervisor manager"),
            (Task::Devices, "manager"),
            (Task::Link, "manager"),
            (Task::Shows, "manager"),
            (Task::Discrepancies, "supervisor manager"),
            (Task::Open, "manager"),
            (Task::Attest, "supervisor manager"),
            (Task::Staff, "manager"),
        ];
        assert_eq!(table.map(|(task, _)| task), Task::ALL);
        for (task, roles) in table {
            let allowed: Vec<_> = Role::ALL.into_iter().filter(|role| task.allowed_to(*role)).map(Role::word).collect();
            assert_eq!(allowed.join(" "), roles, "{task:?}");
        }
    }

    #[test]
    fn a_role_reads_back_from_its_word() {
        for role in Role::ALL {
            assert_eq!(role.word().parse(), Ok(role));
        }
        assert!("owner".parse::<Role>().is_err());
    }
}
