//! An identity provider that was not written here.
