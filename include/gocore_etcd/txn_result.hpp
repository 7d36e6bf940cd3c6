// What a transaction did.
#ifndef GOCORE_ETCD_TXN_RESULT_HPP
#define GOCORE_ETCD_TXN_RESULT_HPP

#include "entry.hpp"

namespace gocore::etcd {

struct OpResult;

/// What a transaction did; a copy of its own.
struct TxnResult {
    /// Whether all conditions held: then the results are those of `then`, else those of `otherwise`, in their order.
    bool succeeded = false;
    /// The revision it was carried out at; 0 for an inner one.
    int64_t revision = 0;
    std::vector<OpResult> results;

    TxnResult() = default;
    explicit TxnResult(const gocore_etcd_txn_result *result);
};

/// What one operation did; what it does not give is empty.
struct OpResult {
    /// One of GOCORE_ETCD_OP_….
    int32_t kind = 0;
    /// What a get read.
    std::vector<Entry> entries;
    /// How many keys a remove deleted.
    uint64_t deleted = 0;
    /// What an inner transaction did.
    TxnResult txn;

    OpResult() = default;
    OpResult(const gocore_etcd_txn_result *result, size_t index)
        : kind(gocore_etcd_txn_result_kind(result, index)), deleted(gocore_etcd_txn_result_deleted(result, index)),
          txn(gocore_etcd_txn_result_txn(result, index))
    {
        for (size_t n = 0; n < gocore_etcd_txn_result_entries_len(result, index); ++n)
            entries.emplace_back(gocore_etcd_txn_result_entry(result, index, n));
    }
};

inline TxnResult::TxnResult(const gocore_etcd_txn_result *result)
    : succeeded(gocore_etcd_txn_result_succeeded(result)), revision(gocore_etcd_txn_result_revision(result))
{
    for (size_t n = 0; n < gocore_etcd_txn_result_len(result); ++n)
        results.emplace_back(result, n);
}

} // namespace gocore::etcd

#endif // GOCORE_ETCD_TXN_RESULT_HPP
