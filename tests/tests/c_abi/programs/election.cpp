// Elections in C++: what leads, observes and works is owned, moves, and tells its handlers.
#include "check.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

template <typename T> constexpr bool moves_only()
{
    return std::is_nothrow_move_constructible_v<T> && !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
}
static_assert(moves_only<etcd::Leadership>() && moves_only<etcd::Candidacy>());
static_assert(std::is_nothrow_copy_constructible_v<etcd::Leader> && std::is_nothrow_move_assignable_v<etcd::Leader>);

static void depose(etcd::Client &client, std::string_view key)
{
    // Its own key is watched once it is held for longer than a moment.
    std::this_thread::sleep_for(300ms);
    auto range = etcd::Range::prefix(std::string(key) + "/");
    range.order = etcd::Order::oldest_created;
    const auto queue = client.kv().list(range);
    CHECK(!queue.entries.empty() && client.kv().remove(queue.entries[0].key) == 1);
}

/// What an observer was told.
struct Seen {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::optional<etcd::Leader>> leaders;
    int problems = 0;

    auto handler()
    {
        return [this, held = std::make_unique<int>(1)](std::optional<etcd::Leader> leader, etcd::Error problem) {
            const std::lock_guard<std::mutex> one(mutex);
            CHECK(!problem || (problem.status() == GOCORE_ETCD_STATUS_MALFORMED && !leader));
            problems += problem ? 1 : 0;
            leaders.push_back(std::move(leader));
            changed.notify_all();
        };
    }
    std::optional<etcd::Leader> nth(size_t n)
    {
        std::unique_lock<std::mutex> held(mutex);
        CHECK(changed.wait_for(held, 60s, [&] { return leaders.size() > n; }));
        return leaders[n];
    }
};

static void leading(etcd::Client &client)
{
    Seen seen;
    const auto observing = client.observe("cpp/lead", seen.handler());
    CHECK(!seen.nth(0) && !client.leader("cpp/lead"));
    auto one = client.campaign("cpp/lead", "one");
    CHECK(one.is_leader() && one.token() > 0 && one.key() == "/go-core/elections/cpp/lead" && one.identity() == "one");
    CHECK(seen.nth(1)->token() == one.token() && seen.nth(1)->identity() == "one");
    etcd::ElectionOptions options;
    options.ttl = 10s;
    options.timeout = 100ms;
    CHECK(thrown_by([&] { client.campaign("cpp/lead", "two", options); }) == GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED);
    CHECK(!client.try_campaign("cpp/lead", "two") && client.try_campaign("cpp/tried", "one")->is_leader());
    one.proclaim("uno");
    CHECK(one.identity() == "uno" && seen.nth(2)->identity() == "uno" && seen.nth(2)->token() == one.token());
    auto leader = client.leader("cpp/lead");
    const auto copy = *leader;
    leader.reset();
    CHECK(copy.identity() == "uno" && copy.revision() > copy.token());
    CHECK(one.put("/cpp/led", "v") > one.token());
    const auto plan = etcd::Txn().guarded_by(one).then(etcd::Op::put("/cpp/led", "w"));
    CHECK(client.kv().commit(plan).succeeded);
    auto moved = std::move(one);
    CHECK(!one.is_leader() && moved.is_leader());
    Seen own;
    const auto observing_own = moved.observe(own.handler());
    CHECK(moved.leader()->identity() == "uno" && own.nth(0)->token() == moved.token());
    moved.resign();
    CHECK(!moved.leader() && !own.nth(1));
    CHECK(thrown_by([&] { one.observe(own.handler()); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(moved.wait_lost() && !seen.nth(3));
    CHECK(thrown_by([&] { moved.proclaim("late"); }) == GOCORE_ETCD_STATUS_LOST);

    client.kv().put("/go-core/elections/cpp/lead/foreign", "\xff");
    CHECK(!seen.nth(4) && seen.problems == 1);
    CHECK(thrown_by([&] { client.leader("cpp/lead"); }) == GOCORE_ETCD_STATUS_MALFORMED);
    client.kv().remove("/go-core/elections/cpp/lead/foreign");
    CHECK(!seen.nth(5) && seen.problems == 1);
}

static void nul(etcd::Client &client)
{
    const std::string cut("a\0b", 3);
    CHECK(thrown_by([&] { client.campaign(cut, "i"); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(thrown_by([&] { client.leader(cut); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    etcd::Error error;
    CHECK(!client.campaign("k", cut, {}, error) && std::string(error.what()).find("identity: ") != std::string::npos);
    // Written by a foreign program it comes through whole.
    client.kv().put("/go-core/elections/cpp/nul/foreign", cut);
    CHECK(client.leader("cpp/nul")->identity() == cut);
    client.kv().remove("/go-core/elections/cpp/nul/foreign");
}

static void losing(etcd::Client &client)
{
    auto leadership = client.campaign("cpp/lose", "loses");
    Counter lost;
    const auto subscription = leadership.on_lost([&] { lost.add(); });
    depose(client, leadership.key());
    CHECK(leadership.wait_lost(20s));
    lost.until(1);
    Counter called;
    etcd::ElectionOptions options;
    client.campaign_async("cpp/lose", "async", options, [&](std::optional<etcd::Leadership> won, etcd::Error why) {
        CHECK(won && !why && won->is_leader());
        leadership = std::move(*won);
        called.add();
    });
    called.until(1);
    options.timeout = 100ms;
    client.campaign_async("cpp/lose", "late", options, [&](std::optional<etcd::Leadership> won, etcd::Error why) {
        CHECK(!won && why.status() == GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED);
        called.add();
    });
    called.until(2);
}

static void standing(etcd::Client &client)
{
    using etcd::Standing;
    Counter leading, others;
    const auto handler = [&](const etcd::CandidacyState &state, const etcd::Error &problem) {
        CHECK(!problem && (state.token != 0) == (state.standing == Standing::leading));
        (state.standing == Standing::leading ? leading : others).add();
    };
    auto candidacy = client.candidacy("cpp/stand", "stands", {}, handler);
    leading.until(1);
    CHECK(candidacy.is_leader() && candidacy.standing() == Standing::leading && candidacy.place() == 0);
    auto leadership = candidacy.leadership();
    CHECK(leadership && leadership->token() == candidacy.token() && leadership->key() == candidacy.key());
    depose(client, candidacy.key());
    leading.until(2);
    CHECK(!leadership->is_leader());
    candidacy.resign();
    CHECK(candidacy.standing() == Standing::resigned && !candidacy.leadership());

    // Destroyed it waits for a running handler, and a leadership that is held lives on.
    std::atomic<bool> ended{false};
    Counter began;
    std::optional<etcd::Leadership> kept;
    {
        const auto slow = client.candidacy("cpp/stand", "slow", {}, [&](const etcd::CandidacyState &state, etcd::Error) {
            if (state.standing != Standing::leading)
                return;
            began.add();
            std::this_thread::sleep_for(300ms);
            ended = true;
        });
        began.until(1);
        kept = slow.leadership();
    }
    CHECK(ended && kept->is_leader());
    kept->resign();

    // Inside of a handler it does not wait for itself.
    struct Own
    {
        std::mutex made;
        std::optional<etcd::Candidacy> candidacy;
        Counter done;
    };
    const auto own = std::make_shared<Own>();
    {
        const std::lock_guard<std::mutex> held(own->made);
        own->candidacy = client.candidacy("cpp/stand", "own", {}, [own](const etcd::CandidacyState &, const etcd::Error &) {
            // A copy: the handler's own goes with the candidacy.
            const auto mine = own;
            const std::lock_guard<std::mutex> until_made(mine->made);
            if (mine->candidacy) {
                mine->candidacy.reset();
                mine->done.add();
            }
        });
    }
    own->done.until(1);
}

static void working(etcd::Client &client)
{
    Counter started, stopped;
    std::atomic<int> inside{0};
    std::atomic<int64_t> last{0}, told{0};
    const auto held = std::make_shared<int>(7);
    {
        const auto start = [&, held](const etcd::Leadership &leadership) {
            CHECK(inside++ == 0 && leadership.token() > last && leadership.is_leader());
            last = leadership.token();
            leadership.put("/cpp/worked", "v");
            started.add();
            while (told < leadership.token())
                std::this_thread::sleep_for(1ms);
            inside--;
            // What the work throws goes no further, and means: again.
            throw std::runtime_error("stopped");
            return etcd::Run::done;
        };
        const auto run = client.run_as_leader("cpp/work", "works", {}, start, [&](int64_t token) {
            told = token;
            stopped.add();
        });
        started.until(1);
        depose(client, "/go-core/elections/cpp/work");
        started.until(2);
    }
    CHECK(stopped.count() == 2 && inside == 0 && held.use_count() == 1);

    Counter once, gone;
    auto last_words = std::shared_ptr<void>(nullptr, [&](void *) { gone.add(); });
    const auto run = client.run_as_leader(
        "cpp/work", "once", {},
        [&, words = std::move(last_words)](const etcd::Leadership &leadership) {
            leadership.proclaim("once and for all");
            once.add();
            return once.count() < 2 ? etcd::Run::again : etcd::Run::done;
        },
        [](int64_t) {});
    gone.until(1);
    CHECK(once.count() == 2 && !client.leader("cpp/work"));
}

/// Work is no handler: what is destroyed in it is waited for, so that a handler may use what is local to the work.
static void destroying_within_work(etcd::Client &client)
{
    Counter worked;
    const auto start = [&](const etcd::Leadership &) {
        Counter began;
        std::atomic<bool> ended{false};
        {
            const auto slow = client.candidacy("cpp/within", "slow", {}, [&](const etcd::CandidacyState &state, etcd::Error) {
                if (state.standing != etcd::Standing::leading)
                    return;
                began.add();
                std::this_thread::sleep_for(300ms);
                ended = true;
            });
            began.until(1);
        }
        CHECK(ended);
        worked.add();
        return etcd::Run::done;
    };
    const auto run = client.run_as_leader("cpp/without", "works", {}, start, [](int64_t) {});
    worked.until(1);
}

int main(int, char **argv)
{
    auto client = etcd::Client::connect(config_of(argv));
    leading(client);
    nul(client);
    losing(client);
    standing(client);
    working(client);
    destroying_within_work(client);
    client.close();
    return 0;
}
