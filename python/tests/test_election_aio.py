"""Elections in asyncio: the same, awaited; cancellation; work that is cancelled when the leadership is lost."""

import asyncio
import contextlib
import gc
import itertools
import time

import pytest

import gocore_etcd
from gocore_etcd import (
    AGAIN,
    ClosedError,
    DeadlineExceededError,
    Leader,
    Leading,
    Lost,
    LostError,
    MalformedError,
    Op,
    Range,
    Resigned,
    aio,
)

TTL = 10
SOON = 60


@pytest.fixture
def run(endpoint, prefix):
    """Run a test's story with a client of its own."""

    def run(story, *args):
        async def told():
            async with aio.Client(endpoint, prefix=prefix) as client:
                return await asyncio.wait_for(story(client, *args), 300)

        return asyncio.run(told())

    return run


def test_a_leadership_is_won_used_and_given_back(run, candidates):
    async def story(client):
        leadership = await client.campaign("k", "me", ttl=TTL)
        assert leadership.is_leader()
        assert await client.leader("k") == await leadership.leader() == Leader("me", leadership.token, leadership.token)
        (candidate,) = (await client.kv.list(Range.prefix(leadership.key + "/"))).kvs
        assert await leadership.put(client.key("x"), b"1", lease=candidate.lease) > leadership.token
        assert (await client.kv.get(client.key("x"))).lease == candidate.lease
        assert (await client.kv.txn(then=[Op.put(client.key("x"), b"2")], guard=leadership)).succeeded
        await leadership.proclaim("me2")
        assert leadership.identity == (await client.leader("k")).identity == "me2"
        assert not await leadership.wait_lost(timeout=0)
        assert not await leadership.wait_lost(timeout=0.05)
        await leadership.resign()
        assert await leadership.wait_lost()
        assert await client.leader("k") is None

    run(story)
    assert candidates("k") == []


def test_work_that_asks_for_another_turn_at_once_is_begun_after_pauses_that_grow(run):
    async def story(client):
        turns = []

        @client.run_as_leader("k", "me", ttl=TTL)
        async def work(_leadership):
            turns.append(time.monotonic())
            return AGAIN if len(turns) < 4 else None

        await work()
        for number, (one, following) in enumerate(itertools.pairwise(turns)):
            assert following - one >= 0.9 * 0.05 * 2**number

    run(story)


def test_a_single_try_leads_where_nobody_does_and_the_default_ttl_is_what_etcd_granted(run, candidates, granted):
    async def story(client):
        async with client.campaign("k", "me", timeout=0) as leadership:
            assert leadership.is_leader()
            (key,) = await asyncio.to_thread(candidates, "k")
            assert granted(key) == 15

    run(story)
    assert candidates("k") == []


def test_a_leadership_is_entered_and_the_body_never_runs_without_it(run):
    async def story(client):
        async with client.campaign("k", "me", ttl=TTL) as leadership:
            assert leadership.is_leader()
            for timeout in (0.1, 0):
                with pytest.raises(DeadlineExceededError, match=r"election\.campaign.*key=k"):
                    async with client.campaign("k", "other", timeout=timeout):
                        raise AssertionError
        assert not leadership.is_leader()
        with pytest.raises(LostError):
            async with leadership:
                raise AssertionError
        with pytest.warns(RuntimeWarning, match=r"campaign\(\.\.\.\) was never awaited or entered"):
            client.campaign("k", "me")
            gc.collect()

    run(story)


def test_observing_is_iterating_from_nobody_to_nobody(run):
    async def story(client):
        async with client.observe("k") as leaders:
            seen = [await anext(leaders)]
            async with client.campaign("k", "a", ttl=TTL) as leadership:
                seen.append(await anext(leaders))
                await leadership.proclaim("b")
                seen.append(await anext(leaders))
                async with leadership.observe() as again:
                    assert await again.next(timeout=SOON) == seen[-1]
            seen.append(await leaders.next(timeout=SOON))
            with pytest.raises(DeadlineExceededError):
                await leaders.next(timeout=0)
        assert [leader and (leader.identity, leader.token == leadership.token) for leader in seen] == [
            None,
            ("a", True),
            ("b", True),
            None,
        ]

    run(story)


def test_handlers_of_leaders_run_in_the_loop_plain_or_async(run):
    async def story(client):
        plain, awaited = asyncio.Queue(), asyncio.Queue()

        async def handler(leader):
            await client.kv.get("/none")
            awaited.put_nowait(leader)

        with client.observe("k", plain.put_nowait), client.observe("k", handler):
            async with client.campaign("k", "a", ttl=TTL) as leadership:
                wanted = Leader("a", leadership.token, leadership.token)
                for heard in (plain, awaited):
                    while await heard.get() != wanted:
                        pass
            assert await plain.get() is await awaited.get() is None

    run(story)


def test_a_leader_that_cannot_be_read_is_raised_and_iterating_goes_on(run):
    async def story(client):
        foreign = client.key("elections", "k", "foreign")
        await client.kv.put(foreign, b"\xff")
        async with client.observe("k") as leaders:
            with pytest.raises(MalformedError, match="foreign"):
                await anext(leaders)
            await client.kv.delete(foreign)
            assert await anext(leaders) is None

    run(story)


def test_a_candidacy_is_iterated_to_its_end(run, steal):
    async def story(client):
        heard = []
        async with client.candidacy("k", "me", ttl=TTL, handler=heard.append) as candidacy:
            states = []
            async for state in candidacy:
                states.append(state)
                if isinstance(state, Leading) and candidacy.leadership:
                    if Lost() in states:
                        # Who is slow may miss what is over.
                        while state not in heard:
                            await client.kv.get("/none")
                        await candidacy.resign()
                    else:
                        await asyncio.to_thread(steal, candidacy.leadership)
        assert states[-1] == candidacy.state == Resigned()
        first, second = (state.token for state in states if isinstance(state, Leading))
        assert first < second
        with pytest.raises(ClosedError):
            await candidacy.next()
        async with asyncio.timeout(SOON):
            while Resigned() not in heard:
                await client.kv.get("/none")
        assert heard.index(Leading(second)) == len(heard) - 2

    run(story)


def test_cancelling_a_task_that_waits_for_a_state_loses_none(run):
    async def story(client):
        async with client.campaign("k", "other", ttl=TTL) as other, client.candidacy("k", "me", ttl=TTL) as candidacy:
            while (await candidacy.next(timeout=SOON)).place != 1:
                pass
            for _ in range(20):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(candidacy), 0.001)
            await other.resign()
            assert isinstance(await candidacy.next(timeout=SOON), Leading)

    run(story)


def test_cancelling_a_campaign_leaves_no_candidate(run, candidates, until):
    async def story(client):
        async def stand():
            async with client.campaign("k", "me", ttl=TTL):
                raise AssertionError

        async def lead(_leadership):
            raise AssertionError

        async with client.campaign("k", "other", ttl=TTL):
            for waits in (stand(), client.run_as_leader("k", "me", ttl=TTL)(lead)()):
                waiting = asyncio.create_task(waits)
                await asyncio.to_thread(until, lambda: len(candidates("k")) == 2)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                await asyncio.to_thread(until, lambda: len(candidates("k")) == 1)

    run(story)


async def _campaign(client):
    return await client.campaign("k", "me", ttl=30)


def test_cancelling_at_any_moment_leaks_no_candidate(run, candidates, until):
    async def story(client):
        for moment in range(60):
            standing = asyncio.create_task(_campaign(client))
            await asyncio.sleep(moment * 0.0003)
            standing.cancel()
            await asyncio.wait([standing])
            assert standing.cancelled() or await standing.result().resign() is None
            del standing
        await (await client.campaign("k", "me", timeout=SOON)).resign()
        await asyncio.to_thread(until, lambda: not candidates("k"))

    run(story)


def test_cancelling_a_resignation_does_not_keep_the_leadership(run, other):
    async def story(client):
        leadership = await _campaign(client)
        resigning = asyncio.create_task(leadership.resign())
        await asyncio.sleep(0)
        resigning.cancel()
        await asyncio.wait([resigning])
        await asyncio.to_thread(lambda: other.campaign("k", "other", timeout=SOON).resign())
        assert not leadership.is_leader()

    run(story)


def test_work_gets_the_leadership_and_its_arguments_and_gives_its_result(run, candidates):
    async def story(client):
        turns = []

        @client.run_as_leader("k", "me", ttl=TTL)
        async def work(leadership, first, *, second):
            turns.append(leadership.token)
            assert (await client.leader("k")).token == leadership.token
            return AGAIN if len(turns) == 1 else first + second

        assert await work(1, second=2) == 3
        assert turns == sorted(set(turns))
        assert len(turns) == 2

    run(story)
    assert candidates("k") == []


def test_a_loss_cancels_the_work_and_starts_over_when_it_has_ended(run, steal):
    async def story(client):
        tokens, running = [], 0

        @client.run_as_leader("k", "me", ttl=TTL)
        async def work(leadership):
            nonlocal running
            running += 1
            assert running == 1, "two works at once"
            try:
                tokens.append(leadership.token)
                if len(tokens) < 3:
                    await asyncio.to_thread(steal, leadership)
                    await asyncio.sleep(600)
                return "done"
            finally:
                # Work that holds its end up holds up the next campaign.
                await asyncio.sleep(0.1)
                assert len(tokens) == 3 or await client.leader("k") is None
                running -= 1

        begun = time.monotonic()
        assert await work() == "done"
        assert time.monotonic() - begun < SOON
        assert tokens == sorted(set(tokens))
        assert len(tokens) == 3
        assert asyncio.current_task().cancelling() == 0

    run(story)


@pytest.mark.parametrize("ending", ["swallows", "returns a value", "is refused"])
def test_work_that_ends_by_itself_after_the_loss_is_begun_again(run, steal, ending):
    async def story(client):
        tokens = []

        @client.run_as_leader("k", "me", ttl=TTL)
        async def work(leadership):
            tokens.append(leadership.token)
            if len(tokens) == 2:
                return "done"
            await asyncio.to_thread(steal, leadership)
            with contextlib.suppress(asyncio.CancelledError):
                await leadership.wait_lost()
                await asyncio.sleep(600)
            if ending == "is refused":
                await leadership.put(client.key("x"), b"")
            return "of a loser" if ending == "returns a value" else None

        assert await work() == "done"
        assert len(tokens) == 2

    run(story)


def test_what_work_raises_is_raised_after_it_has_resigned(run, candidates, steal):
    async def story(client):
        turns = []

        @client.run_as_leader("k", "me", ttl=30)
        async def work(leadership, error, *, lost=False):
            turns.append(error)
            try:
                if lost:
                    await asyncio.to_thread(steal, leadership)
                    await asyncio.sleep(600)
            finally:
                raise error

        for error in (ZeroDivisionError(), TimeoutError("its own"), LostError("something else")):
            with pytest.raises(type(error)) as caught:
                await work(error)
            assert caught.value is error
            assert await asyncio.to_thread(candidates, "k") == []
        for error in (ZeroDivisionError(), TimeoutError("its own")):
            with pytest.raises(type(error)) as caught:
                await work(error, lost=True)
            assert caught.value is error
        assert len(turns) == 5, "and is not begun again"

    run(story)


def test_cancelling_the_run_cancels_the_work_and_resigns(run, candidates):
    async def story(client):
        working, ended, limits = asyncio.Event(), [], []

        @client.run_as_leader("k", "me", ttl=30)
        async def work(_leadership):
            try:
                working.set()
                for limit in limits:
                    limit.reschedule(asyncio.get_running_loop().time())
                await asyncio.sleep(600)
            finally:
                ended.append("work")

        running = asyncio.create_task(work())
        await working.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert ended == ["work"]
        assert await asyncio.to_thread(candidates, "k") == []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as limit:
                limits.append(limit)
                await work()
        assert ended == ["work"] * 2

    run(story)


def test_a_loss_and_a_cancellation_at_once_are_a_cancellation(run, steal):
    async def story(client):
        lost = asyncio.Event()

        @client.run_as_leader("k", "me", ttl=30)
        async def work(leadership):
            await asyncio.to_thread(steal, leadership)
            try:
                await asyncio.sleep(600)
            finally:
                lost.set()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(600)

        running = asyncio.create_task(work())
        await lost.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    run(story)


def test_work_may_resign_by_itself_without_being_cancelled(run):
    async def story(client):
        @client.run_as_leader("k", "me", ttl=TTL)
        async def work(leadership):
            await leadership.resign()
            await asyncio.sleep(0.1)
            return "done"

        assert await work() == "done"

    run(story)


def test_the_end_of_the_client_cancels_the_work_and_ends_the_run(endpoint, prefix):
    async def story():
        client = await aio.Client(endpoint, prefix=prefix)
        working, cancelled = asyncio.Event(), []

        @client.run_as_leader("k", "me", ttl=30)
        async def work(_leadership):
            working.set()
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                cancelled.append("work")
                raise

        running = asyncio.create_task(work())
        await working.wait()
        await client.close()
        with pytest.raises(ClosedError):
            await asyncio.wait_for(running, SOON)
        assert cancelled == ["work"]

    asyncio.run(story())


def test_a_campaign_of_work_that_fails_because_etcd_is_away_is_tried_again(server, prefix):
    async def story():
        async with aio.Client(server.endpoint, prefix=prefix, request_timeout=2) as client:

            @client.run_as_leader("k", "me", ttl=TTL)
            async def work(leadership):
                return leadership.is_leader()

            server.kill()
            running = asyncio.create_task(work())
            await asyncio.sleep(1)
            assert not running.done()
            await asyncio.to_thread(server._start)
            assert await running

    asyncio.run(story())


def test_work_whose_etcd_is_away_at_its_end_has_another_turn_when_it_is_back(server, prefix, until, resignation_failed):
    # The session outlives the test, and the work keeps its leaderships: nothing else gives the first one back.
    turns = []

    async def story():
        async with aio.Client(server.endpoint, prefix=prefix, request_timeout=2) as client:

            @client.run_as_leader("k", "me", ttl=60)
            async def work(leadership):
                turns.append(leadership)
                if len(turns) == 2:
                    return None
                server.kill()
                return AGAIN

            running = asyncio.create_task(work())
            await asyncio.to_thread(until, resignation_failed)
            await asyncio.to_thread(server._start)
            await asyncio.wait_for(running, SOON)
            assert turns[0].token < turns[1].token

    asyncio.run(story())


def test_a_run_that_cannot_resign_can_be_cancelled(server, prefix, until, resignation_failed):

    async def story():
        async with aio.Client(server.endpoint, prefix=prefix, request_timeout=2) as client:

            @client.run_as_leader("k", "me", ttl=60)
            async def work(_leadership):
                server.kill()
                return AGAIN

            running = asyncio.create_task(work())
            await asyncio.to_thread(until, resignation_failed)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(running, SOON)
            await asyncio.to_thread(server._start)

    asyncio.run(story())


def test_a_leadership_outlives_the_loop_it_was_won_in(endpoint, prefix):
    async def connected():
        return await aio.Client(endpoint, prefix=prefix)

    async def proclaim(leadership):
        await leadership.proclaim("again")

    client = asyncio.run(connected())
    leadership = asyncio.run(_campaign(client))
    asyncio.run(proclaim(leadership))
    assert leadership.identity == "again"
    asyncio.run(leadership.resign())
    asyncio.run(client.close())


def test_blocking_campaigns_in_a_running_loop_are_refused(run, client):
    async def story(_):
        with pytest.raises(gocore_etcd.WrongContextError, match=r"gocore_etcd\.aio"):
            client.campaign("k", "me")
        with pytest.raises(gocore_etcd.WrongContextError, match=r"gocore_etcd\.aio"):
            client.run_as_leader("k", "me")(lambda _: None)()

    run(story)
