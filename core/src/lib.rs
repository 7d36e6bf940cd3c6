//! gocore_etcd core.
