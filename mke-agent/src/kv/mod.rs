//! The cluster's key-value store (`ucp-kv`, etcd): how programs reach it, and how its members are looked after.
//!
//! | file | decides |
//! | --- | --- |
//! | `access` | with which addresses and certificates a program opens it |

mod access;

pub use access::{AccessError, StoreAccess, StoreCertificates};
