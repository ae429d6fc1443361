"""The scheduler role: timers, lost wake-ups, stuck sends, old rows. Any number of them may run at once."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.accounts import audit, erasing
from pytake_app.accounts import upkeep as organizations
from pytake_app.accounts.service import purge_expired
from pytake_app.conversations import scheduled, search_index, snoozing, telling_again
from pytake_app.core.clock import FrozenClock
from pytake_app.core.errors import ProblemError, UnavailableError
from pytake_app.core.ids import first_id_after
from pytake_app.core.metrics import counter, duty_seconds, histogram, sends_mended, timers_fired, web_unheard
from pytake_app.core.services import Services
from pytake_app.flows import publications, requests, schedules, stats_rollup, timers
from pytake_app.jobs import enqueue
from pytake_app.messaging import heartbeat, library_upkeep, measuring, put_back, statuses, upkeep
from pytake_app.messaging.clock_care import ClockCare
from pytake_app.messaging.duties import UNASKED_SECONDS, Duty, Glance, Lock, alone
from pytake_app.messaging.sql import hot
from pytake_app.outgoing import mail
from pytake_app.privacy import retention
from pytake_app.queues import rollup, sweeping, tending
from pytake_app.whatsapp import template_sync

log = structlog.get_logger(__name__)

TIMERS_AHEAD = 150
"""Timers become events only while fewer events than this wait for workers (about a tenth of a second's work), so that
people who write are not kept waiting by a hundred thousand timers that fall due at once."""
TIMERS_AT_LEAST = 50
"""So many go ahead four times a second however many events wait: a backlog delays timers, it doesn't stop them."""
_AGAIN_PAUSE = 0.02
_TICK = 0.25
"""Seconds between two looks at what is due: so late a timer fires at most, while there is time for all of them."""
_RETENTION_PAUSE = 0.2
"""Seconds between batches of old rows: people who write go before."""
_TIMERS_EVERY = _TICK
MEASURE_SECONDS = 5.0
_LONGEST_SILENCE = 6.0
"""Seconds for which a web role may be silent before it counts as having been away."""
LOST_AFTER = timedelta(seconds=1)
"""An event older than this while its lane is idle has lost its wake-up."""


class Scheduler:
    """One scheduler process's work.

    Parameters:
        services: the process's services.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._glance = Glance(services.database)
        self._postman_: mail.Postman | None = None
        self._threads: dict[str, threading.Thread] = {}
        self._waits = True
        self._stop: threading.Event | None = None
        self._timers_wait = 0.0
        self._timers_left = False
        self.clock_care = ClockCare(services, self.put_right_after_clock, self._clock_was_set)
        settings = services.settings
        self._watched = upkeep.Watched(settings.outbox_lease_seconds, settings.outbox_unsure_grace_seconds)
        self._unheard_since: float | None = None
        self._web_heard = time.monotonic()
        self._told_until: datetime | None = None
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._measuring = Duty(MEASURE_SECONDS, self.measure)
        self._partitions = Duty(3600.0, self.make_partitions)
        self._duties = [
            Duty(_TIMERS_EVERY, self.fire_timers, timers.ANY_DUE),
            Duty(1.0, self.sweep_lanes, upkeep.ANY_LOST),
            Duty(1.0, self.fire_schedules, schedules.ANY),
            Duty(2.0, self.mend_requests, requests.ANY_SILENT),
            Duty(15.0, self.follow_other_clocks),
            Duty(2.0, self.listen_for_web),
            Duty(2.0, self.mend_sends, upkeep.ANY_UNDER_WAY, self._none_under_way),
            Duty(10.0, self.apply_statuses),
            Duty(2.0, self.publish_due, publications.ANY_DUE),
            Duty(1.0, self.wake_snoozed, snoozing.ANY_OVER),
            Duty(1.0, self.send_scheduled, scheduled.ANY_DUE),
            Duty(2.0, self.index_words, search_index.ANY_NEW),
            Duty(5.0, self.tell_again, telling_again.ANY_NEW),
            Duty(5.0, self.count_runs, stats_rollup.ANY_ENDED),
            Duty(5.0, self.count_queues, rollup.ANY),
            self._measuring,
            Duty(5.0, self.sync_templates),
            Duty(1.0, self.send_mails, mail.ANY_DUE),
            Duty(1.0, self.tend_queues),
            Duty(1.0, self._somebody_waits, sweeping.ANY_WAITING, self._nobody_waits),
            Duty(60.0, self.remove_old),
            self._partitions,
            Duty(600.0, self.remove_files),
            Duty(10.0, self.add_up_usage),
            Duty(60.0, self.follow_organizations),
            Duty(3600.0, self.forget_sign_ins),
            Duty(3600.0, self.prune_audit_log),
            Duty(3600.0, self.keep_times),
        ]

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        pause = 0.1
        self._stop = stop
        self.clock_care.begin()
        while not stop.is_set():
            try:
                again = self.tick()
                pause = 0.1
            except (UnavailableError, psycopg.Error, SQLAlchemyError) as error:
                log.warning("scheduler_database_away", error=type(error).__name__)
                self.clock_care.doubt_ages()
                stop.wait(pause)
                pause = min(pause * 2, 5.0)
                continue
            stop.wait(_AGAIN_PAUSE if again else _TICK)
        self._glance.close()
        if "queues" in self._threads:
            self._threads["queues"].join(timeout=5.0)

    def tick(self) -> bool:
        """Do what is due. True when some of it should go on at once."""
        again = False
        self.clock_care.follow()
        idle = self._idle()
        for duty in self._duties:
            if duty in idle:
                duty.due = time.monotonic() + duty.every
                if duty.nothing is not None:
                    duty.nothing()
            elif duty.due <= time.monotonic():
                # First, so that one that fails comes again in its turn and the others have theirs.
                began = time.monotonic()
                duty.due, duty.unasked = began + duty.every, began + UNASKED_SECONDS
                if duty.work():
                    duty.due, again = 0.0, True
                histogram(duty_seconds, duty.work.__name__).observe(time.monotonic() - began)
        return again

    def _idle(self) -> list[Duty]:
        """Duties whose time has come and that have nothing to do."""
        moment = time.monotonic()
        asked = [duty for duty in self._duties if duty.asks is not None and 0 < duty.due <= moment < duty.unasked]
        return self._glance.idle(asked, self._facts)

    def _facts(self) -> dict[str, object]:
        now = self._services.clock.now()
        return {
            "now": now,
            "old": now - LOST_AFTER,
            "told": first_id_after(self._told_until or now - telling_again.AT_MOST),
            "lately": first_id_after(now - search_index.OVERLAP),
        }

    def _beside(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        """Have `work` done by a thread of its own, unless the last one is still at it."""
        last = self._threads.get(name)
        if last is None or not last.is_alive():
            self._threads[name] = threading.Thread(target=work, args=arguments, name=name, daemon=True)
            self._threads[name].start()

    def _clock_was_set(self) -> None:
        # Without its month's partition no message can be stored.
        self._partitions.due = 0.0

    def put_right_after_clock(self) -> None:
        """Bring what was written by a later time back to now."""
        now = self._services.clock.now()
        with hot(self._services.database) as connection:
            changed = put_back.put_right(connection, now) + requests.put_back(connection, now)
            changed += timers.put_back(connection, now)
        if changed:
            log.warning("rows_put_back", rows=changed)
            self._poke_outbox()
            self.sweep_lanes()

    def follow_other_clocks(self) -> None:
        """Bring back to now what others with a clock ahead have written.

        Ours alone doesn't tell who is wrong: only if the database's agrees with it.
        """
        with hot(self._services.database) as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        if row is not None and abs(row[0] - self._services.clock.now()) <= put_back.SKEW:
            self.put_right_after_clock()

    def fire_timers(self) -> bool:
        """Turn due timers into events on their contacts' lanes, as many as workers keep up with."""
        with hot(self._services.database) as connection:
            room = timers.room(connection, TIMERS_AHEAD)
            at_once = max(room, TIMERS_AT_LEAST) if self._timers_wait <= time.monotonic() else room
            lanes = timers.fire_due(connection, self._services.clock.now(), at_once) if at_once else []
        if at_once > room:
            self._timers_wait = time.monotonic() + _TIMERS_EVERY
        if at_once:
            self._timers_left = len(lanes) >= at_once
        timers_fired.inc(len(lanes))
        self._poke(lanes)
        return self._timers_left

    def sweep_lanes(self) -> None:
        """Have lanes looked at whose wake-up was lost, or whose failed event is due again."""
        settings = self._services.settings
        with hot(self._services.database) as connection:
            lanes = upkeep.lost_lanes(connection, settings.lanes, self._services.clock.now(), LOST_AFTER)
        self._poke(lanes, sure=True)

    def listen_for_web(self) -> None:
        """While no web role lives nobody hears statuses: unsure sends get their whole grace once one is back. At most
        for `outbox_unheard_seconds`, and then they are tried again. Redis being away counts as not knowing of one."""
        try:
            silent = heartbeat.silent_for(self._services.redis, "web")
        except (redis.RedisError, OSError) as error:
            log.info("web_not_looked_for", error=type(error).__name__)
            silent = None
        now = time.monotonic()
        settings = self._services.settings
        if silent is not None:
            if now - silent - self._web_heard > max(_LONGEST_SILENCE, settings.outbox_unsure_grace_seconds / 4):
                # It was away, and what it missed is yet to be told again.
                self.clock_care.doubt_ages()
            self._web_heard = max(self._web_heard, now - silent)
            self._unheard_since = None
            web_unheard.set(0.0)
            return
        if self._unheard_since is None:
            self._unheard_since = now
            log.warning("web_unheard", holds="unsure sends")
        web_unheard.set(now - self._unheard_since)
        if now - self._unheard_since < settings.outbox_unheard_seconds:
            self.clock_care.doubt_ages()
        else:
            self._web_heard = now

    def mend_sends(self) -> None:
        """Deal with sends whose sender has gone and with unsure ones."""
        settings, now = self._services.settings, self.clock_care.now()
        with hot(self._services.database) as connection:
            mended = upkeep.mend_sends(
                connection,
                now,
                timedelta(seconds=settings.outbox_lease_seconds),
                timedelta(seconds=settings.outbox_unsure_grace_seconds),
                retry=self.clock_care.ages_believed(),
                watched=self._watched,
                heard=self._web_heard,
            )
        if mended.silent_sends or mended.retried_sends or mended.failed_sends:
            counter(sends_mended, "unsure").inc(mended.silent_sends)
            counter(sends_mended, "retried").inc(mended.retried_sends)
            counter(sends_mended, "failed").inc(mended.failed_sends)
            log.warning("sends_mended", silent=mended.silent_sends, retried=mended.retried_sends)
        if mended.retried_sends:
            self._poke_outbox()

    def _none_under_way(self) -> None:
        # What was under way is not any more: should it be again, its age begins anew.
        self._watched.look((), time.monotonic(), self._web_heard)

    def apply_statuses(self) -> None:
        """Apply statuses that wait although their message is known by now."""
        with hot(self._services.database) as connection:
            changed = statuses.apply_known(connection, self._services.clock.now())
        self._services.live.publish_many(statuses.pokes(changed))

    def fire_schedules(self) -> None:
        """Follow what went live, and start what is due."""
        settings, now = self._services.settings, self._services.clock.now()
        with hot(self._services.database) as connection:
            if not alone(connection, Lock.SCHEDULES):
                return
            schedules.follow(connection, now, self._services.new_id)
            lanes = schedules.fire_due(connection, now, settings.lanes)
        self._poke(lanes)

    def publish_due(self) -> bool:
        """Let go live what was kept for now."""
        with hot(self._services.database) as connection:
            due = publications.due(connection, self._services.clock.now())
        for organization_id, publication_id in due:
            publications.carry_out(self._services.database, organization_id, publication_id, clock=self._services.clock)
        return len(due) >= publications.DUE_BATCH

    def wake_snoozed(self) -> bool:
        """Bring back conversations that were put off until now, and tell who waits for them."""
        with hot(self._services.database) as connection:
            woken = snoozing.wake_due(connection, self._services.clock.now(), self._services.new_id)
        self._services.live.publish_many([one.poke for one in woken])
        for organization_id in dict.fromkeys(one.organization_id for one in woken):
            own = [one for one in woken if one.organization_id == organization_id]
            with self._services.database.tenant(organization_id) as session:
                snoozing.tell(session, own, clock=self._services.clock)
        return len(woken) >= snoozing.BATCH

    def tell_again(self) -> None:
        """Tell what was committed and never told: whoever wrote it is gone."""
        now, live = self._services.clock.now(), self._services.live
        with hot(self._services.database) as connection:
            if not alone(connection, Lock.TELLING):
                return
            after = self._told_until or now - telling_again.AT_MOST
            pokes, self._told_until = telling_again.missing(connection, live, after, now)
        if pokes:
            log.warning("live_told_again", pokes=len(pokes))
            live.publish_many(pokes)

    def index_words(self) -> bool:
        """Write the words of new messages for search."""
        with hot(self._services.database) as connection:
            return search_index.catch_up(connection)

    def send_scheduled(self) -> bool:
        """Send messages that were kept for now."""
        with hot(self._services.database) as connection:
            due = scheduled.due(connection, self._services.clock.now())
        for organization_id, scheduled_id in due:
            scheduled.carry_out(self._services.database, organization_id, scheduled_id, clock=self._services.clock)
        return len(due) >= scheduled.BATCH

    def count_runs(self) -> bool:
        """Add sessions that are over to the figures of their flows."""
        with hot(self._services.database) as connection:
            if not alone(connection, Lock.FIGURES):
                return False
            counted = stats_rollup.count_ended(connection, self._services.clock.now())
        return counted >= stats_rollup.BATCH

    def count_queues(self) -> bool:
        """Count the hours of service queues."""
        with hot(self._services.database) as connection:
            if not alone(connection, Lock.QUEUE_FIGURES):
                return False
            counted = rollup.count(connection, self._services.clock.now())
        return counted >= rollup.BATCH

    def mend_requests(self) -> None:
        """Have flows' requests performed again whose performer is gone."""
        now = self.clock_care.now()
        with hot(self._services.database) as connection:
            again, lanes = requests.mend(connection, now)
        if again:
            log.warning("requests_mended", again=again)
            try:
                enqueue.poke_requests(self._services.redis)
            except (redis.RedisError, OSError) as error:
                log.warning("requests_poke_failed", error=type(error).__name__)
        self._poke(lanes)

    def measure(self) -> None:
        """Refresh the gauges of the installation, and tell pages that this scheduler lives."""
        began = time.monotonic()
        with hot(self._services.database) as connection:
            measuring.measure(connection, self._services.clock.now(), self._services.settings.lanes)
        # With a backlog of millions the counting itself must not become the load.
        self._measuring.every = max(MEASURE_SECONDS, 20 * (time.monotonic() - began))
        try:
            heartbeat.beat(self._services.redis, "scheduler", self._name)
        except redis.RedisError as error:
            log.info("heartbeat_not_told", error=type(error).__name__)
        measuring.measure_redis(self._services.redis)

    def sync_templates(self) -> None:
        """Have templates fetched that are due; beside the other duties, which never wait for Meta."""
        self._beside("template-sync", self._sync_templates)

    def send_mails(self) -> None:
        """Have mails sent that are due; beside the other duties, which never wait for a mail server."""
        self._beside("mails", self._send_mails)

    def _send_mails(self) -> None:
        if self._postman_ is None:
            self._postman_ = mail.Postman(self._services.settings, self._services.database, self._services.clock)
        try:
            while self._postman_.deliver_due() >= mail.BATCH:
                pass
        except (UnavailableError, SQLAlchemyError) as error:
            log.warning("mails_wait", error=type(error).__name__)

    def tend_queues(self) -> None:
        """Have service queues looked after, by a thread beside the other duties while the scheduler runs."""
        if self._stop is not None:
            self._beside("queues", tending.run, self._services, self._stop, lambda: self._waits)

    def _somebody_waits(self) -> None:
        self._waits = True

    def _nobody_waits(self) -> None:
        self._waits = False

    def _sync_templates(self) -> None:
        try:
            template_sync.sync_due(self._services)
        except (UnavailableError, SQLAlchemyError) as error:
            log.warning("template_sync_failed", error=type(error).__name__)

    def remove_old(self) -> bool:
        """Delete what is kept long enough."""
        now = self.clock_care.deleting_now()
        if now is None:
            return False
        with hot(self._services.database) as connection:
            return upkeep.remove_old(connection, now) + requests.remove_old(connection, now) >= 1000

    def add_up_usage(self) -> bool:
        """Add up what was counted of each organization's messages and contacts."""
        with hot(self._services.database) as connection:
            if not alone(connection, Lock.USAGE):
                return False
            return organizations.add_up(connection, self._services.clock.now()) >= organizations.GROUPS

    def follow_organizations(self) -> None:
        """End trials, tell who is near a limit, erase what was deleted; beside the other duties."""
        self._beside("organizations", self._follow_organizations, self.clock_care.deleting_now())

    def _follow_organizations(self, deleting_now: datetime | None) -> None:
        database, clock = self._services.database, self._services.clock
        try:
            organizations.follow_trials(database, clock)
            organizations.tell_near(database, clock)
            if deleting_now is not None:
                erasing.erase_due(database, self._services.settings.data_dir, deleting_now)
        except (UnavailableError, SQLAlchemyError, OSError) as error:
            log.warning("organizations_not_followed", error=type(error).__name__)

    def remove_files(self) -> None:
        """Have files removed that nothing uses; beside the other duties, for it may read a year of messages."""
        now = self.clock_care.deleting_now()
        if now is not None:
            self._beside("unused-files", self._remove_files, now)

    def _remove_files(self, now: datetime) -> None:
        try:
            library_upkeep.remove_unused(self._services, now)
        except (UnavailableError, SQLAlchemyError, psycopg.Error, OSError) as error:
            log.warning("unused_files_not_removed", error=type(error).__name__)

    def keep_times(self) -> None:
        """Have deleted what organizations don't keep any longer; beside the other duties, for it may be years."""
        now = self.clock_care.deleting_now()
        if now is not None:
            self._beside("retention", self._keep_times, now)

    def _keep_times(self, now: datetime) -> None:
        try:
            while retention.apply(self._services, now):
                if self._stop is None or self._stop.wait(_RETENTION_PAUSE):
                    return
        except (UnavailableError, ProblemError, SQLAlchemyError, psycopg.Error) as error:
            log.warning("retention_failed", error=type(error).__name__)

    def make_partitions(self) -> None:
        """Months ahead; and none further ahead, which a wrong clock had made."""
        now = self._services.clock.now()
        with hot(self._services.database) as connection:
            upkeep.make_partitions(connection, now)
            dropped = upkeep.drop_partitions_ahead(connection, now)
        if dropped:
            log.warning("partitions_ahead_dropped", partitions=dropped)

    def prune_audit_log(self) -> None:
        """Entries of the audit log that their organization doesn't keep any longer."""
        now = self.clock_care.deleting_now()
        if now is not None:
            audit.prune(self._services.database, FrozenClock(now))

    def forget_sign_ins(self) -> None:
        """Delete sign-ins that ended long ago, and old answers kept for repeated requests."""
        now = self.clock_care.deleting_now()
        if now is not None:
            purge_expired(self._services.database, now)
            mail.forget_old(self._services.database, now)

    def _poke(self, lanes: list[int], *, sure: bool = False) -> None:
        if not lanes:
            return
        try:
            enqueue.poke_lanes(self._services.redis, self._services.settings, lanes, sure=sure)
        except (redis.RedisError, OSError) as error:
            log.warning("lane_poke_failed", error=type(error).__name__, lanes=len(lanes))

    def _poke_outbox(self) -> None:
        try:
            enqueue.poke_outbox(self._services.redis)
        except (redis.RedisError, OSError) as error:
            log.warning("outbox_poke_failed", error=type(error).__name__)
