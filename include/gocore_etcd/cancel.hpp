// Cancelling.
#ifndef GOCORE_ETCD_CANCEL_HPP
#define GOCORE_ETCD_CANCEL_HPP

#include "error.hpp"

namespace gocore::etcd {

/// Ends the calls it is given to, early; any thread may fire it. It may go before they end.
class CancelToken {
public:
    CancelToken() noexcept : handle_(gocore_etcd_cancel_token_new()) {}
    void cancel() noexcept { gocore_etcd_cancel_token_cancel(handle_.get()); }
    bool is_cancelled() const noexcept { return gocore_etcd_cancel_token_is_cancelled(handle_.get()); }
    const gocore_etcd_cancel_token *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<gocore_etcd_cancel_token, gocore_etcd_cancel_token_free> handle_;
};

namespace detail {

inline const gocore_etcd_cancel_token *handle_of(const CancelToken *token) noexcept
{
    return token == nullptr ? nullptr : token->get();
}

} // namespace detail

} // namespace gocore::etcd

#endif // GOCORE_ETCD_CANCEL_HPP
