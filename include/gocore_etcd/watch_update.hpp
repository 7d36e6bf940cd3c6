// What a watch tells.
#ifndef GOCORE_ETCD_WATCH_UPDATE_HPP
#define GOCORE_ETCD_WATCH_UPDATE_HPP

#include "entry.hpp"

namespace gocore::etcd {

enum class UpdateKind : int32_t {
    /// All keys of the range, at one revision: they replace whatever picture there is of it.
    snapshot = GOCORE_ETCD_UPDATE_SNAPSHOT,
    /// The changes of one revision, in no particular order.
    changes = GOCORE_ETCD_UPDATE_CHANGES,
    /// Whether changes come at once, or etcd is away and they will come later. Nothing is lost by it.
    connected = GOCORE_ETCD_UPDATE_CONNECTED,
    /// etcd does not let us read the range. It is tried again; a snapshot follows once it does.
    problem = GOCORE_ETCD_UPDATE_PROBLEM,
};

enum class ChangeKind : int32_t {
    /// Of what is no change.
    none = 0,
    put = GOCORE_ETCD_CHANGE_PUT,
    /// Deleted, or its lease has ended.
    remove = GOCORE_ETCD_CHANGE_DELETE,
};

/// One thing a watch had to say. Cheap to copy; copies outlive the handler, the watch and the client.
class WatchUpdate {
public:
    /// Keeps an update of the C interface.
    explicit WatchUpdate(const gocore_etcd_kv_update *update) noexcept : handle_(gocore_etcd_kv_update_clone(update)) {}
    WatchUpdate(const WatchUpdate &other) noexcept : WatchUpdate(other.get()) {}
    WatchUpdate(WatchUpdate &&) noexcept = default;
    WatchUpdate &operator=(WatchUpdate other) noexcept
    {
        handle_.swap(other.handle_);
        return *this;
    }

    UpdateKind kind() const noexcept { return static_cast<UpdateKind>(gocore_etcd_kv_update_kind(get())); }
    /// Of the snapshot or the changes; 0 for the other kinds. No later update has a lower one, until the cluster is restored
    /// from a backup: then a snapshot does. So take every snapshot as what there is now, and never leave an update out because
    /// its revision is not higher than the last.
    int64_t revision() const noexcept { return gocore_etcd_kv_update_revision(get()); }
    /// Of changes: whether the handler was slow, and of each key only the newest change is there.
    bool coalesced() const noexcept { return gocore_etcd_kv_update_coalesced(get()); }
    /// Of UpdateKind::connected: true when changes come at once.
    bool connected() const noexcept { return gocore_etcd_kv_update_connected(get()); }
    /// Of UpdateKind::problem: what it is; false for the other kinds.
    Error problem() const noexcept { return Error(gocore_etcd_error_clone(gocore_etcd_kv_update_problem(get()))); }
    /// How many entries or changes it has.
    size_t size() const noexcept { return gocore_etcd_kv_update_len(get()); }

    /// What the change at `index` is.
    ChangeKind change(size_t index) const noexcept
    {
        return static_cast<ChangeKind>(gocore_etcd_kv_update_change(get(), index));
    }
    /// The key at `index`, whatever became of it; empty beyond the last.
    std::string_view key(size_t index) const noexcept
    {
        size_t len = 0;
        const gocore_etcd_kv_entry *entry = gocore_etcd_kv_update_entry(get(), index);
        const uint8_t *key = entry != nullptr ? gocore_etcd_kv_entry_key(entry, &len)
                                              : gocore_etcd_kv_update_deleted(get(), index, &len);
        return detail::view(key, len);
    }
    /// Its value; empty when it was deleted.
    std::string_view value(size_t index) const noexcept
    {
        size_t len = 0;
        const uint8_t *value = gocore_etcd_kv_entry_value(gocore_etcd_kv_update_entry(get(), index), &len);
        return detail::view(value, len);
    }
    /// Key, value and history, as a copy; without a key when it was deleted, and beyond the last.
    Entry entry(size_t index) const { return Entry(gocore_etcd_kv_update_entry(get(), index)); }
    const gocore_etcd_kv_update *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<gocore_etcd_kv_update, gocore_etcd_kv_update_free> handle_;
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_WATCH_UPDATE_HPP
