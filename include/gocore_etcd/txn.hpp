// The plan of a transaction: if all conditions hold, these operations, otherwise those.
#ifndef GOCORE_ETCD_TXN_HPP
#define GOCORE_ETCD_TXN_HPP

#include "leadership.hpp"
#include "lock.hpp"
#include "range.hpp"

#include <list>
#include <memory>
#include <utility>
#include <vector>

namespace gocore::etcd {

enum class Cmp : int32_t {
    equal = GOCORE_ETCD_COMPARE_EQUAL,
    not_equal = GOCORE_ETCD_COMPARE_NOT_EQUAL,
    greater = GOCORE_ETCD_COMPARE_GREATER,
    less = GOCORE_ETCD_COMPARE_LESS,
};

/// One condition. An absent key has revisions, version and lease 0, and no value.
struct Compare {
    int32_t target = GOCORE_ETCD_TARGET_CREATE_REVISION;
    std::string key;
    Cmp cmp = Cmp::equal;
    int64_t number = 0;
    std::string bytes;
    /// Not empty: for every key from `key` up to, and without, this one.
    std::string end;

    static Compare absent(std::string_view key) { return create_revision(key, Cmp::equal, 0); }
    static Compare create_revision(std::string_view key, Cmp cmp, int64_t revision)
    {
        return {GOCORE_ETCD_TARGET_CREATE_REVISION, std::string(key), cmp, revision, {}, {}};
    }
    static Compare mod_revision(std::string_view key, Cmp cmp, int64_t revision)
    {
        return {GOCORE_ETCD_TARGET_MOD_REVISION, std::string(key), cmp, revision, {}, {}};
    }
    static Compare version(std::string_view key, Cmp cmp, int64_t version)
    {
        return {GOCORE_ETCD_TARGET_VERSION, std::string(key), cmp, version, {}, {}};
    }
    static Compare lease(std::string_view key, Cmp cmp, int64_t lease)
    {
        return {GOCORE_ETCD_TARGET_LEASE, std::string(key), cmp, lease, {}, {}};
    }
    static Compare value(std::string_view key, Cmp cmp, std::string_view value)
    {
        return {GOCORE_ETCD_TARGET_VALUE, std::string(key), cmp, 0, std::string(value), {}};
    }
};

class Txn;

/// One operation.
struct Op {
    int32_t kind = GOCORE_ETCD_OP_PUT;
    Range range;
    std::string bytes;
    int64_t under = 0;
    std::shared_ptr<const Txn> inner;

    /// Writes a key; under a lease, that takes the key with it when it ends.
    static Op put(std::string_view key, std::string_view value, int64_t lease = 0)
    {
        return {GOCORE_ETCD_OP_PUT, Range(key), std::string(value), lease, nullptr};
    }
    static Op get(Range range) { return {GOCORE_ETCD_OP_GET, std::move(range), {}, 0, nullptr}; }
    static Op remove(Range range) { return {GOCORE_ETCD_OP_DELETE, std::move(range), {}, 0, nullptr}; }
    /// A transaction inside the transaction. Its failing conditions do not stop the outer one.
    static Op txn(Txn inner);
};

/// The plan of a transaction. No key may be touched twice in it. Building one allocates, as the containers of the
/// standard library do, and fails in no other way; Kv::commit checks it and carries it out.
class Txn {
public:
    /// One more condition; all must hold.
    Txn &when(Compare compare) { return compares_.push_back(std::move(compare)), *this; }
    /// One more condition, that etcd checks: this lock is held by this owner. It must live until the commit; a plan has
    /// one, the last that is given.
    Txn &guarded_by(const Lock &lock) noexcept { return guard_ = lock.get(), *this; }
    /// The same for a leadership.
    Txn &guarded_by(const Leadership &leadership) noexcept { return leadership_ = leadership.get(), *this; }
    /// Done when all conditions hold.
    Txn &then(Op op) { return then_.push_back(std::move(op)), *this; }
    /// Done when one does not.
    Txn &otherwise(Op op) { return else_.push_back(std::move(op)), *this; }

    const std::vector<Compare> &compares() const noexcept { return compares_; }
    const std::vector<Op> &then_ops() const noexcept { return then_; }
    const std::vector<Op> &else_ops() const noexcept { return else_; }
    const gocore_etcd_lock *guard() const noexcept { return guard_; }
    const gocore_etcd_leadership *leadership() const noexcept { return leadership_; }

private:
    std::vector<Compare> compares_;
    std::vector<Op> then_, else_;
    const gocore_etcd_lock *guard_ = nullptr;
    const gocore_etcd_leadership *leadership_ = nullptr;
};

inline Op Op::txn(Txn inner)
{
    return {GOCORE_ETCD_OP_TXN, {}, {}, 0, std::make_shared<const Txn>(std::move(inner))};
}

namespace detail {

/// A Txn as C takes it; it borrows the texts.
class PlainTxn {
public:
    explicit PlainTxn(const Txn &txn)
    {
        for (const Compare &compare : txn.compares())
            compares_.push_back(plain(compare));
        for (const Op &op : txn.then_ops())
            then_.push_back(plain(op));
        for (const Op &op : txn.else_ops())
            else_.push_back(plain(op));
        plain_.compares = compares_.data();
        plain_.compares_len = compares_.size();
        plain_.then_ops = then_.data();
        plain_.then_ops_len = then_.size();
        plain_.else_ops = else_.data();
        plain_.else_ops_len = else_.size();
        plain_.guard = txn.guard();
        plain_.leadership = txn.leadership();
    }
    PlainTxn(const PlainTxn &) = delete;
    PlainTxn &operator=(const PlainTxn &) = delete;
    const gocore_etcd_txn *get() const noexcept { return &plain_; }

private:
    static gocore_etcd_compare plain(const Compare &compare) noexcept
    {
        return {compare.key.data(), compare.key.size(),
                compare.end.data(), compare.end.size(),
                compare.target,     static_cast<int32_t>(compare.cmp),
                compare.number,     compare.bytes.data(),
                compare.bytes.size()};
    }

    gocore_etcd_op plain(const Op &op)
    {
        gocore_etcd_op plain = {};
        plain.kind = op.kind;
        plain.key = op.range.key.data();
        plain.key_len = op.range.key.size();
        plain.value = op.bytes.data();
        plain.value_len = op.bytes.size();
        plain.lease = op.under;
        plain.range = &ranges_.emplace_back(detail::plain(op.range));
        plain.txn = op.inner ? inner_.emplace_back(*op.inner).get() : nullptr;
        return plain;
    }

    gocore_etcd_txn plain_ = GOCORE_ETCD_TXN_INIT;
    std::vector<gocore_etcd_compare> compares_;
    std::vector<gocore_etcd_op> then_, else_;
    // Lists: what is pointed to stays where it is.
    std::list<gocore_etcd_range_options> ranges_;
    std::list<PlainTxn> inner_;
};

} // namespace detail

} // namespace gocore::etcd

#endif // GOCORE_ETCD_TXN_HPP
