//! Tickets and how urgent they are.

/// How soon a ticket has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Priority {
    High,
    Normal,
    Low,
}

impl Priority {
    const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

    /// The priority of that number.
    pub fn from_number(number: u8) -> Option<Priority> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Hours within which an answer is due.
    pub fn hours(self) -> u32 {
        match self {
            Priority::High => 4,
            Priority::Normal => 24,
            Priority::Low => 72,
        }
    }
}

/// What somebody asked for.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub id: u64,
    pub title: String,
    pub priority: Priority,
}
