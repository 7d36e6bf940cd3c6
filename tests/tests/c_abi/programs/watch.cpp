// Watches in C++: what a handler gets it may keep; the subscription ends it, and waits.
#include "check.hpp"

#include <atomic>
#include <map>
#include <stdexcept>
#include <thread>
#include <vector>

/// The picture that a program makes of a range, and what it was made of.
class Picture {
public:
    void operator()(const etcd::WatchUpdate &update)
    {
        const std::lock_guard<std::mutex> held(mutex_);
        if (update.kind() == etcd::UpdateKind::connected)
            return;
        CHECK(update.revision() > (updates_.empty() ? 0 : updates_.back().revision()));
        if (update.kind() == etcd::UpdateKind::snapshot)
            keys_.clear();
        for (size_t n = 0; n < update.size(); ++n) {
            if (update.change(n) == etcd::ChangeKind::remove)
                keys_.erase(std::string(update.key(n)));
            else
                keys_[std::string(update.key(n))] = std::string(update.value(n));
        }
        updates_.push_back(update);
        changed_.notify_all();
    }
    std::vector<etcd::WatchUpdate> until(size_t updates)
    {
        std::unique_lock<std::mutex> held(mutex_);
        CHECK(changed_.wait_for(held, 60s, [&] { return updates_.size() >= updates; }));
        return updates_;
    }
    std::map<std::string, std::string> keys()
    {
        const std::lock_guard<std::mutex> held(mutex_);
        return keys_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::string> keys_;
    std::vector<etcd::WatchUpdate> updates_;
};

static std::vector<etcd::WatchUpdate> told(char **argv)
{
    auto client = etcd::Client::connect(config_of(argv));
    auto kv = client.kv();
    Picture picture;
    kv.put("/pp/a", "one");
    const auto subscription = kv.watch(etcd::Range::prefix("/pp/"), [&](const etcd::WatchUpdate &update) {
        picture(update);
        throw std::runtime_error("what a handler throws goes no further, and the watch goes on");
    });
    picture.until(1);
    const auto put = kv.put("/pp/b", "two");
    kv.remove("/pp/a");
    const auto updates = picture.until(3);
    CHECK((picture.keys() == std::map<std::string, std::string>{{"/pp/b", "two"}}));
    CHECK(updates[1].revision() == put && updates[1].entry(0).version == 1 && !updates[1].coalesced());
    CHECK(thrown_by([&] { kv.watch("", [](const etcd::WatchUpdate &) {}); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    client.close();
    CHECK(thrown_by([&] { kv.watch("k", [](const etcd::WatchUpdate &) {}); }) == GOCORE_ETCD_STATUS_CLOSED);
    return updates;
}

/// Copies outlive the handler, the watch and the client.
static void kept(std::vector<etcd::WatchUpdate> updates)
{
    auto copy = updates[0];
    CHECK(copy.kind() == etcd::UpdateKind::snapshot && copy.size() == 1 && copy.change(0) == etcd::ChangeKind::none);
    CHECK(copy.key(0) == "/pp/a" && copy.value(0) == "one" && copy.entry(0).key == "/pp/a" && copy.key(1).empty());
    copy = std::move(updates[2]);
    CHECK(copy.kind() == etcd::UpdateKind::changes && copy.change(0) == etcd::ChangeKind::remove);
    CHECK(copy.key(0) == "/pp/a" && copy.value(0).empty() && copy.entry(0).key.empty() && !copy.connected());
    CHECK(!copy.problem());
    CHECK(updates[2].size() == 0 && updates[2].key(0).empty() && updates[2].revision() == 0);
}

static void subscriptions(etcd::Client &client)
{
    std::atomic<bool> began{false}, ended{false};
    {
        const auto waits = client.kv().watch("/pp/slow", [&](const etcd::WatchUpdate &) {
            began = true;
            std::this_thread::sleep_for(300ms);
            ended = true;
        });
        while (!began)
            std::this_thread::sleep_for(1ms);
    }
    CHECK(ended);

    // Inside of its handler it does not wait for itself.
    struct Own {
        std::mutex mutex;
        etcd::Subscription subscription;
    };
    auto own = std::make_shared<Own>();
    Counter done;
    {
        const std::lock_guard<std::mutex> held(own->mutex);
        own->subscription = client.kv().watch("/pp/own", [&, own](const etcd::WatchUpdate &) {
            const std::lock_guard<std::mutex> held(own->mutex);
            own->subscription = etcd::Subscription();
            done.add();
        });
    }
    done.until(1);
}

int main(int, char **argv)
{
    kept(told(argv));
    auto client = etcd::Client::connect(config_of(argv));
    subscriptions(client);
    client.close();
    return 0;
}
