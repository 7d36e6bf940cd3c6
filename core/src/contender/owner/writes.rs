//! What an owner writes, refused by etcd once somebody else owns.

use super::Owner;
use crate::error::{Error, ErrorKind, Result};
use crate::kv::PutOptions;
use crate::time::Deadline;
use crate::transport::CallKind;
use crate::txn::{Cmp, Compare, Op, OpResult, Txn};

impl Owner {
    /// Puts a key of whatever meaning, if it is still owned when that arrives; gives the revision.
    ///
    /// # Errors
    /// Lost when it is not, here or in etcd: nothing was written. Otherwise those of a put.
    pub(crate) async fn put(&self, op: &'static str, key: Vec<u8>, value: Vec<u8>, options: PutOptions) -> Result<i64> {
        self.check_held(op)?;
        let txn = Txn::new().guarded_by(self.guard()).then(Op::put_under(key.clone(), value, options.lease));
        let door = self.contention.door.clone().named(op).within(options.timeout);
        let result = door.commit(txn, CallKind::Write).await.map_err(|error| error.or_key(&key))?;
        if !result.succeeded {
            self.found_gone();
            let error = Error::new(ErrorKind::Lost, op).with_key(key);
            return Err(error.with_detail(format!("{} is no longer ours; nothing was written", self.key())));
        }
        Ok(result.revision)
    }

    /// Puts another value into our own key, under the same lease: the ownership and its token stay. `seen` is the mod
    /// revision at which the key was seen last; it is kept up to date, also when this fails or is dropped.
    ///
    /// # Errors
    /// Lost when it is not owned. DeadlineExceeded and the like with `maybe_applied`: the next call settles it.
    pub(crate) async fn overwrite(
        &self,
        op: &'static str,
        value: &[u8],
        seen: &mut i64,
        deadline: Deadline,
    ) -> Result<()> {
        let door = self.contention.door.clone().named(op).until(deadline);
        let lease = self.lease.id();
        loop {
            self.check_held(op)?;
            let txn = Txn::new()
                .guarded_by(self.guard())
                .when(Compare::mod_revision(self.contender.as_str(), Cmp::Equal, *seen))
                .then(Op::put_under(self.contender.as_str(), value, lease))
                .otherwise(Op::get(self.contender.as_str()));
            // Any copy of this, and of an earlier one whose answer was lost, lands only as long as nothing was written
            // after `seen`. So whatever is seen next is final.
            let result = door.commit(txn, CallKind::Repeatable).await.map_err(|error| self.unless_lost(op, error))?;
            if result.succeeded {
                *seen = result.revision;
                return Ok(());
            }
            let found = result.results.into_iter().flat_map(OpResult::into_kvs).next();
            let Some(found) = found.filter(|found| found.create_revision == self.revision) else {
                self.found_gone();
                return Err(self.lost(op));
            };
            *seen = found.mod_revision;
            if found.value == value && found.lease == lease {
                return Ok(());
            }
        }
    }

    fn check_held(&self, op: &'static str) -> Result<()> {
        if self.contention.tasks.is_closing() {
            return Err(Error::closed(op).with_key(&self.key));
        }
        if self.is_held() { Ok(()) } else { Err(self.lost(op)) }
    }

    fn unless_lost(&self, op: &'static str, error: Error) -> Error {
        if error.kind() == ErrorKind::NotFound {
            self.lease.lose("the server does not know the lease");
            return self.lost(op);
        }
        error.or_key(&self.key)
    }
}
