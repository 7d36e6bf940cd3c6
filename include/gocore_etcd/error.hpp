// Errors, and how a function of C++ calls one of C: nothing throws across the border, nothing is thrown away.
#ifndef GOCORE_ETCD_ERROR_HPP
#define GOCORE_ETCD_ERROR_HPP

#include "../gocore_etcd.h"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define GOCORE_ETCD_HAS_EXCEPTIONS 1
#else
#define GOCORE_ETCD_HAS_EXCEPTIONS 0
#endif

namespace gocore::etcd {

/// A time limit or TTL; zero is the default of what it is given to.
using Milliseconds = std::chrono::milliseconds;
/// No limit.
inline constexpr Milliseconds wait_forever{GOCORE_ETCD_WAIT_FOREVER};

namespace detail {

/// Runs what may run out of memory; false when it did. Without exceptions that ends the process, as it does everywhere
/// in such a program.
template <typename Call> bool attempt(Call &&call) noexcept
{
#if GOCORE_ETCD_HAS_EXCEPTIONS
    try {
        call();
        return true;
    } catch (...) {
        return false;
    }
#else
    call();
    return true;
#endif
}

} // namespace detail

/// Why a call failed; false when none did. Cheap to copy.
class Error : public std::exception {
public:
    Error() noexcept = default;
    /// Takes an error of the C interface.
    explicit Error(gocore_etcd_error *error) noexcept
        : status_(gocore_etcd_error_status(error)), retryable_(gocore_etcd_error_retryable(error)),
          maybe_applied_(gocore_etcd_error_maybe_applied(error)), text_(gocore_etcd_status_text(status_))
    {
        // Without memory its message is lost, and what is to be done about it is not.
        if (error != nullptr)
            detail::attempt([&] { error_ = std::shared_ptr<gocore_etcd_error>(error, gocore_etcd_error_free); });
    }
    /// One that begins in C++; `text` lives for ever.
    Error(gocore_etcd_status status, const char *text, bool maybe_applied = false) noexcept
        : status_(status), maybe_applied_(maybe_applied), text_(text)
    {
    }

    gocore_etcd_status status() const noexcept { return status_; }
    const char *what() const noexcept override
    {
        const char *message = gocore_etcd_error_message(error_.get());
        return message == nullptr ? text_ : message;
    }
    /// Whether the same call can succeed later without anything being fixed.
    bool retryable() const noexcept { return retryable_; }
    /// Whether the request may have been applied although it failed.
    bool maybe_applied() const noexcept { return maybe_applied_; }
    explicit operator bool() const noexcept { return status_ != GOCORE_ETCD_STATUS_OK; }

private:
    gocore_etcd_status status_ = GOCORE_ETCD_STATUS_OK;
    bool retryable_ = false, maybe_applied_ = false;
    const char *text_ = "no error";
    std::shared_ptr<gocore_etcd_error> error_;
};

namespace detail {

/// Owns what C gave away.
template <typename T, void (*Free)(T *)> struct Freed {
    void operator()(T *handle) const noexcept { Free(handle); }
};
template <typename T, void (*Free)(T *)> using Handle = std::unique_ptr<T, Freed<T, Free>>;

/// The class of a handle that C gave away; empty for none.
template <typename T, typename Plain> std::optional<T> taken_as(Plain *handle) noexcept
{
    return handle == nullptr ? std::nullopt : std::optional<T>(std::in_place, handle);
}

/// Where a call of C puts its error, for an Error, which it clears.
class Slot {
public:
    explicit Slot(Error &error) noexcept : error_(error) { error_ = Error(); }
    Slot(const Slot &) = delete;
    Slot &operator=(const Slot &) = delete;
    ~Slot()
    {
        if (raw_ != nullptr)
            error_ = Error(raw_);
    }
    operator gocore_etcd_error **() noexcept { return &raw_; }

private:
    Error &error_;
    gocore_etcd_error *raw_ = nullptr;
};

inline Error out_of_memory(bool maybe_applied) noexcept
{
    return Error(GOCORE_ETCD_STATUS_RESOURCE_EXHAUSTED, "resource exhausted: there is no memory left", maybe_applied);
}

/// What `call` gives; out of memory is an error, and the result's zero value.
template <typename Call> auto contained(Error &error, Call &&call, bool maybe_applied = false) noexcept
{
    decltype(call()) result{};
    error = Error();
    if (!attempt([&] { result = call(); })) {
        result = {};
        error = out_of_memory(maybe_applied);
    }
    return result;
}

/// A text for C, which would take it to end at its first NUL: when it has one it is refused, and NULL.
inline const char *text(const std::string &text, const char *refusal, Error &error) noexcept
{
    if (text.find('\0') == std::string::npos)
        return text.c_str();
    error = Error(GOCORE_ETCD_STATUS_INVALID_ARGUMENT, refusal);
    return nullptr;
}

/// A text of C's, which lives as long as its handle.
inline std::string_view view(const char *text) noexcept { return text == nullptr ? std::string_view() : text; }

inline std::string_view view(const uint8_t *bytes, size_t len) noexcept
{
    return {reinterpret_cast<const char *>(bytes), len};
}

#if GOCORE_ETCD_HAS_EXCEPTIONS
/// The throwing form of a call that takes an Error.
template <typename Call> auto thrown(Call &&call)
{
    Error error;
    auto result = call(error);
    if (error)
        throw error;
    return result;
}
#endif

} // namespace detail

} // namespace gocore::etcd

#endif // GOCORE_ETCD_ERROR_HPP
