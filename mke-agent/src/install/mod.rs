//! Installing, upgrading and removing: what the bootstrapper does, over one engine's socket.
//!
//! Each follows the same way: observe, plan (pure), check (pure, every finding at once), apply with what undoes it.

pub mod handover;
