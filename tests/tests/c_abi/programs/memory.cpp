// Out of memory, at every place where C++ asks for some: an Error, never an exception out of a function that promised
// none, and nothing lost or done twice.
#include "check.hpp"

#include <cstdlib>
#include <new>

/// Which allocation of this thread fails; none, when it is negative.
static thread_local int fails_at = -1;

// Not inlined: gcc would take malloc and delete for a pair that does not match.
[[gnu::noinline]] void *operator new(std::size_t size)
{
    if (fails_at >= 0 && fails_at-- == 0)
        throw std::bad_alloc();
    if (void *memory = std::malloc(size == 0 ? 1 : size))
        return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void *memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

/// Has each allocation of the call fail in turn, until it gets them all; gives how many those were. What it needs itself
/// is there before.
template <typename Call> int each_failing(Call &&call)
{
    for (int nth = 0;; ++nth) {
        etcd::Error error;
        fails_at = nth;
        call(error);
        const bool reached = fails_at < 0;
        fails_at = -1;
        if (!reached) {
            CHECK(!error);
            return nth;
        }
        CHECK(error.status() == GOCORE_ETCD_STATUS_RESOURCE_EXHAUSTED && error.what()[0] != 0);
    }
}

/// Too long for a string that needs no memory.
static const std::string long_text(100, 'x');

static void connecting(const etcd::Config &config, std::optional<etcd::Client> &client)
{
    CHECK(each_failing([&](etcd::Error &error) { client = etcd::Client::connect(config, error); }) > 0);
}

static void reading(etcd::Client &client)
{
    auto kv = client.kv();
    for (int n = 0; n < 3; ++n)
        kv.put("/memory/" + std::to_string(n) + long_text, long_text);
    const auto key = "/memory/0" + long_text;
    const auto prefix = etcd::Range::prefix("/memory/");
    CHECK(each_failing([&](etcd::Error &error) {
              const auto entry = kv.get(key, {}, error);
              CHECK(!entry || entry->value == long_text);
          }) == 2);
    CHECK(each_failing([&](etcd::Error &error) {
              const auto listing = kv.list(prefix, {}, error);
              CHECK(listing.entries.size() == (error ? 0 : 3));
          }) >= 6);
    const std::vector<std::string> parts = {long_text, long_text};
    CHECK(each_failing([&](etcd::Error &error) { client.key(parts, error); }) > 0);
}

static void committing(etcd::Client &client)
{
    auto kv = client.kv();
    const auto plan = etcd::Txn()
                          .when(etcd::Compare::absent("/memory/none"))
                          .then(etcd::Op::put("/memory/" + long_text, long_text))
                          .then(etcd::Op::get("/memory/0" + long_text))
                          .then(etcd::Op::txn(etcd::Txn().then(etcd::Op::get("/memory/1" + long_text))));
    int before = 0, after = 0;
    each_failing([&](etcd::Error &error) {
        const auto version = [&] {
            const int none = std::exchange(fails_at, -1);
            const auto entry = kv.get("/memory/" + long_text);
            fails_at = none;
            return entry ? entry->version : 0;
        };
        const auto old = version();
        const auto result = kv.commit(plan, {}, error);
        CHECK(result.succeeded == !error);
        // Whether it was carried out is what the error says.
        const bool carried_out = version() != old;
        CHECK(carried_out == (!error || error.maybe_applied()));
        (carried_out ? after : before) += error ? 1 : 0;
    });
    CHECK(before > 0 && after > 0);
}

static void subscribing(etcd::Client &client)
{
    Counter calls;
    etcd::Subscription subscription;
    auto lock = client.lock("memory");
    CHECK(each_failing([&](etcd::Error &error) {
              subscription = lock.on_lost([&] { calls.add(); }, error);
          }) == 1);
    lose(client, lock);
    calls.until(1);

    CHECK(each_failing([&](etcd::Error &error) {
              const etcd::LockOptions options;
              client.lock_async("m", options, [&](std::optional<etcd::Lock>, etcd::Error) { calls.add(); }, error);
          }) == 1);
    calls.until(2);
    const etcd::Range range("/memory/none");
    CHECK(each_failing([&](etcd::Error &error) {
              subscription = client.kv().watch(range, [](const etcd::WatchUpdate &) {}, error);
          }) == 1);
    CHECK(each_failing([&](etcd::Error &error) {
              subscription = etcd::subscribe_log(etcd::LogLevel::error, [](const etcd::LogRecord &) {}, error);
          }) >= 0);
}

/// The handlers of elections ask for memory once each; what they are told needs none.
static void electing(etcd::Client &client)
{
    Counter led, seen, worked;
    const etcd::ElectionOptions options;
    etcd::Subscription subscription;
    std::optional<etcd::Candidacy> candidacy;
    CHECK(each_failing([&](etcd::Error &error) {
              subscription = client.observe(
                  "memory", [&](std::optional<etcd::Leader>, const etcd::Error &) { seen.add(); }, error);
          }) == 1);
    seen.until(1);
    CHECK(each_failing([&](etcd::Error &error) {
              client.campaign_async(
                  "memory", "async", options, [&](std::optional<etcd::Leadership>, const etcd::Error &) { led.add(); },
                  error);
          }) == 1);
    led.until(1);
    CHECK(each_failing([&](etcd::Error &error) {
              candidacy = client.candidacy(
                  "memory/2", long_text, options, [](const etcd::CandidacyState &, const etcd::Error &) {}, error);
              CHECK(candidacy.has_value() == !error);
          }) == 1);
    CHECK(each_failing([&](etcd::Error &error) {
              subscription = client.run_as_leader(
                  "memory/3", "works", options,
                  [&](const etcd::Leadership &) {
                      worked.add();
                      return etcd::Run::done;
                  },
                  [](int64_t) {}, error);
          }) == 1);
    worked.until(1);
    const auto leadership = client.campaign("memory/4", long_text);
    CHECK(each_failing([&](etcd::Error &error) { leadership.identity(error); }) == 1);
    Counter led_by;
    CHECK(each_failing([&](etcd::Error &error) {
              subscription = leadership.observe(
                  [&](std::optional<etcd::Leader>, const etcd::Error &) { led_by.add(); }, error);
          }) == 1);
    led_by.until(1);
}

/// An error for which there is no memory still says what to do.
static void failing(etcd::Client &client)
{
    etcd::Error error;
    fails_at = 0;
    client.kv().put("", "v", {}, error);
    CHECK(fails_at < 0 && error.status() == GOCORE_ETCD_STATUS_INVALID_ARGUMENT && !error.maybe_applied());
    CHECK(std::string(error.what()) == "invalid argument");
    client.kv().put("", "v", {}, error);
    CHECK(std::string(error.what()).find("key") != std::string::npos);
}

int main(int, char **argv)
{
    std::optional<etcd::Client> client;
    connecting(config_of(argv), client);
    reading(*client);
    committing(*client);
    subscribing(*client);
    electing(*client);
    failing(*client);
    client->close();
    return 0;
}
