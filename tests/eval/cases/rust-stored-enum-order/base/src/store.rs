//! Tickets in a key-value store that outlives the process.

use crate::ticket::{Priority, Ticket};

pub fn encode(ticket: &Ticket) -> Vec<u8> {
    let mut bytes = ticket.id.to_be_bytes().to_vec();
    bytes.push(ticket.priority as u8);
    bytes.extend_from_slice(ticket.title.as_bytes());
    bytes
}

pub fn decode(bytes: &[u8]) -> Option<Ticket> {
    let (id, rest) = bytes.split_at_checked(8)?;
    let (number, title) = rest.split_first()?;
    Some(Ticket {
        id: u64::from_be_bytes(id.try_into().ok()?),
        title: String::from_utf8(title.to_vec()).ok()?,
        priority: Priority::from_number(*number)?,
    })
}
