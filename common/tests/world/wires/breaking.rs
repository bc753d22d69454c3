//! What breaks the links between devices, how long that stays unknown, and what gets through once it is over.

use std::time::Duration;

use privydrop_common::session::LinkId;
use privydrop_common::time::Moment;
use privydrop_common::transport::{Closed, Happened, Lane, LaneNews};
use rand_core::Rng;

use super::super::{Delivery, DeviceId, World};
use super::{End, PathNews, Way, Wire, Wires};

/// A transport says that it hears nothing after so long, and gives up after so long.
const SILENT_AFTER: Duration = Duration::from_secs(5);
const DEAD_AFTER: Duration = Duration::from_secs(30);
/// After so many seconds of a break a stack sends again what was lost, doubling its wait each time.
const SENT_AGAIN: [u64; 6] = [1, 3, 7, 15, 31, 63];

impl Wires {
    /// All ends of a device go without a word.
    pub fn vanish(world: &mut World, device: DeviceId) {
        world.wires.ends.retain(|(of, _), _| *of != device);
        let others = world.wires.ends.values_mut();
        others
            .filter(|wire| wire.other.is_some_and(|(of, _)| of == device))
            .for_each(|wire| wire.gone = true);
        Self::look(world);
    }

    /// True when what this end sends gets through; with `all` also on every further lane in use.
    pub(super) fn passes(world: &World, end: End, all: bool) -> bool {
        let Some(here) = world.wires.ends.get(&end).filter(|here| !here.gone) else { return false };
        let Some((other, there)) = here.other.and_then(|other| Some((other, world.wires.ends.get(&other)?)))
        else {
            return false;
        };
        let devices = [&world.devices[end.0], &world.devices[other.0]];
        let fits = |ways: [Way; 2]| ways.iter().zip(devices).all(|(way, device)| way.used == device.address);
        let lanes = here.further.iter().filter(|(_, lane)| all && lane.used);
        !world.wires.cut
            && devices.iter().all(|device| !device.away)
            && fits([here.path, there.path])
            && lanes.into_iter().all(|(number, lane)| {
                there.further.get(number).is_some_and(|other| fits([lane.path, other.path]))
            })
    }

    /// Something about the network changed: notes which paths broke by it, and which are back.
    pub fn look(world: &mut World) {
        let mut ends: Vec<End> = world.wires.ends.keys().copied().collect();
        ends.sort_unstable();
        for end in ends {
            if world.wires.ends[&end].accepted && world.wires.ends[&end].other.is_none() {
                Self::join(world, end);
            }
            let (passes, now) = (Self::passes(world, end, true), world.now);
            let control = Self::passes(world, end, false);
            let wire = world.wires.ends.get_mut(&end).expect("a transport");
            let (device, link) = end;
            // The words about lanes get through as soon as the link's own connection does.
            if let Some(since) = wire.broken_since.filter(|_| control && !passes && !wire.stuck[1].is_empty())
            {
                let (flow, change) = (sent_again(since, now), wire.change);
                world.later(device, flow, Delivery::Path(link, change, PathNews::Flow));
            }
            let wire = world.wires.ends.get_mut(&end).expect("a transport");
            match (wire.broken_since, passes) {
                (None, false) if wire.other.is_some() => {
                    wire.broken_since = Some(now);
                    wire.change += 1;
                    let change = wire.change;
                    world.later(device, SILENT_AFTER, Delivery::Path(link, change, PathNews::Silent));
                    world.later(device, DEAD_AFTER, Delivery::Path(link, change, PathNews::Dead));
                }
                (Some(since), true) => {
                    wire.broken_since = None;
                    wire.change += 1;
                    let (change, told) = (wire.change, wire.told_silent);
                    world.later(device, sent_again(since, now), Delivery::Path(link, change, PathNews::Flow));
                    if told {
                        let delay = Duration::from_millis(1 + u64::from(world.rng.next_u32()) % 2_000);
                        world.later(device, delay, Delivery::Path(link, change, PathNews::Restored));
                    }
                }
                _ => {}
            }
        }
    }

    /// A path's news are due, unless it changed since.
    pub fn path(world: &mut World, device: DeviceId, link: LinkId, change: u32, news: PathNews) {
        let end = (device, link);
        let Some(wire) = world.wires.ends.get_mut(&end).filter(|wire| wire.change == change) else { return };
        let happened = match news {
            PathNews::Silent if std::mem::replace(&mut wire.told_silent, true) => return,
            PathNews::Silent => Happened::Interrupted,
            PathNews::Restored => {
                wire.told_silent = false;
                Happened::Restored
            }
            PathNews::Dead => {
                world.wires.ends.remove(&end);
                Happened::Closed(Closed::NoPath)
            }
            PathNews::Flow => {
                for (lane, of) in [(Lane::Control, 1), (Lane::Data, 0)] {
                    if Self::passes(world, end, lane == Lane::Data) {
                        let wire = world.wires.ends.get_mut(&end).expect("a transport");
                        for frame in std::mem::take(&mut wire.stuck[of]) {
                            Self::carry(world, end, lane, frame);
                        }
                    }
                }
                return;
            }
        };
        world.later(device, Duration::ZERO, Delivery::Happened(link, happened));
    }

    /// A device is gone; the other ends of its links notice.
    pub fn die(world: &mut World, device: DeviceId) {
        let mut links: Vec<End> = world.wires.ends.keys().copied().filter(|(of, _)| *of == device).collect();
        links.sort_unstable();
        links.into_iter().for_each(|(device, link)| Self::close(world, device, link));
    }

    /// Every link breaks, on both ends.
    pub fn break_all(world: &mut World) {
        let ends: Vec<End> = world.wires.ends.keys().copied().collect();
        world.wires.ends.clear();
        let mut ends = ends;
        ends.sort_unstable();
        for (device, link) in ends {
            world.later(device, Duration::ZERO, Delivery::Happened(link, Happened::Closed(Closed::NoPath)));
        }
    }

    /// A further lane breaks: with the link if it is in use.
    pub fn break_lane(world: &mut World, number: u8) {
        let has = |(_, wire): &(&End, &Wire)| wire.further.contains_key(&number);
        let mut ends: Vec<End> = world.wires.ends.iter().filter(has).map(|(end, _)| *end).collect();
        ends.sort_unstable();
        let used = ends.iter().any(|end| world.wires.ends[end].further[&number].used);
        for end in ends {
            let news = if used {
                world.wires.ends.remove(&end);
                Happened::Closed(Closed::NoPath)
            } else {
                world.wires.ends.get_mut(&end).expect("a transport").further.remove(&number);
                Happened::Lane(number, LaneNews::Failed)
            };
            world.later(end.0, Duration::ZERO, Delivery::Happened(end.1, news));
        }
    }
}

/// How long it takes until what was lost since then is sent again.
fn sent_again(since: Moment, now: Moment) -> Duration {
    let again = SENT_AGAIN.map(|seconds| since + Duration::from_secs(seconds));
    again.into_iter().find(|at| *at >= now).map_or(Duration::ZERO, |at| at - now)
}
