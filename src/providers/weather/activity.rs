//! What weather allows people to do outdoors: published bands of heat, cold and air, as rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Metric, judge::Rule, units::celsius};

/// How used to heat a region is: 1 the north of the United States, 2 the middle, 3 the south.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u8", into = "u8")]
#[schemars(with = "u8")]
#[non_exhaustive]
pub enum RegionCategory {
    /// A 90th percentile of WBGT at or below 86 °F.
    One,
    /// Between the two. The default.
    #[default]
    Two,
    /// At or above 90.1 °F.
    Three,
}

impl TryFrom<u8> for RegionCategory {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            3 => Ok(Self::Three),
            _ => Err("must be 1, 2 or 3"),
        }
    }
}

impl From<RegionCategory> for u8 {
    fn from(category: RegionCategory) -> u8 {
        match category {
            RegionCategory::One => 1,
            RegionCategory::Two => 2,
            RegionCategory::Three => 3,
        }
    }
}

/// What a band of heat asks for: GHSA by-law 2.67 (2023), from the least to the most.
const HEAT_ADVICE: [&str; 4] = [
    "use discretion for intense or prolonged exercise; at least three breaks of four minutes an hour",
    "at most two hours; helmet, shoulder pads and shorts only; at least four breaks of four minutes an hour",
    "at most one hour, without protective equipment and conditioning; twenty minutes of breaks",
    "no outdoor workouts",
];

impl RegionCategory {
    /// WBGT in °F from which each of [`HEAT_ADVICE`] holds: category 3 is GHSA by-law 2.67, where 92.0 itself is still
    /// allowed; 2 and 1 are Grundstein et al. 2015, Applied Geography 56:191 (cancel from 89.9 and 86.2).
    const fn bands(self) -> [f64; 4] {
        match self {
            Self::Three => [82.0, 87.0, 90.0, 92.0],
            Self::Two => [79.7, 84.7, 87.7, 89.9],
            Self::One => [76.0, 81.0, 84.0, 86.2],
        }
    }

    /// What to do at a WBGT in °F.
    pub(super) fn advice(self, wbgt: f64) -> Option<&'static str> {
        let beyond = |band: usize, from: f64| if band == 3 && self == Self::Three { wbgt > from } else { wbgt >= from };
        let last = self.bands().into_iter().enumerate().rfind(|(band, from)| beyond(*band, *from));
        last.map(|(band, _)| HEAT_ADVICE[band])
    }

    /// Heat by WBGT.
    ///
    /// A WBGT from afar is off by up to 3 °C, mostly too low (Cheuvront et al. 2015, MSSE 47:1958): care begins that much
    /// before the first band, and the value cancels only where it is itself beyond the last.
    pub(super) fn heat(self) -> [Rule; 2] {
        let [first, .., last] = self.bands();
        let cancel = Rule { beyond: self == Self::Three, ..Rule::high(Metric::Wbgt, celsius(last), Effect::Cancel) };
        [cancel, Rule::high(Metric::Wbgt, celsius(first) - ESTIMATE_BAND, Effect::Caution)]
    }
}

/// By how much a WBGT from afar may be wrong, in °C.
pub(super) const ESTIMATE_BAND: f64 = 3.0;

/// Heat index, for where the sun plays no part: the National Weather Service's "extreme caution" and "extreme danger".
/// <https://www.weather.gov/ama/heatindex>
pub(super) fn heat_index() -> [Rule; 2] {
    [
        Rule::high(Metric::HeatIndex, celsius(125.0), Effect::Cancel),
        Rule::high(Metric::HeatIndex, celsius(90.0), Effect::Caution),
    ]
}

/// Cold by wind chill: extra clothing from 25 °F down, nobody outdoors from 0 °F down, as many state associations have it.
pub(super) fn cold() -> [Rule; 2] {
    [
        Rule::low(Metric::WindChill, celsius(0.0), Effect::Cancel),
        Rule::low(Metric::WindChill, celsius(25.0), Effect::Caution),
    ]
}

/// Air: "Air Quality and Outdoor Activity Guidance for Schools" (EPA and CDC): shorten and take breaks from 101, move
/// long or intense activity indoors from 151, everything from 201. <https://www.airnow.gov/air-quality-and-health>
pub(super) fn air() -> [Rule; 3] {
    [
        Rule::high(Metric::AirQuality, 201.0, Effect::Cancel),
        Rule::high(Metric::AirQuality, 151.0, Effect::Postpone),
        Rule::high(Metric::AirQuality, 101.0, Effect::Caution),
    ]
}

/// Thunder that is forecast: be ready to stop. No source here sees strikes.
pub(super) fn thunder() -> [Rule; 1] {
    [Rule::high(Metric::Thunder, 30.0, Effect::Caution)]
}

/// Ultraviolet: "very high" from 8 on. <https://www.epa.gov/sunsafety/uv-index-scale-0>
pub(super) fn ultraviolet(from: f64) -> [Rule; 1] {
    [Rule::high(Metric::UvIndex, from, Effect::Caution)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_of_heat_begin_where_they_are_printed() {
        let three = RegionCategory::Three;
        assert_eq!(three.advice(81.9), None);
        for (wbgt, band) in [(82.0, 0), (86.9, 0), (87.0, 1), (90.0, 2), (92.0, 2), (92.1, 3)] {
            assert_eq!(three.advice(wbgt), Some(HEAT_ADVICE[band]), "{wbgt}");
        }
        assert_eq!(RegionCategory::Two.advice(89.9), Some(HEAT_ADVICE[3]));
        assert_eq!(RegionCategory::One.advice(86.2), Some(HEAT_ADVICE[3]));
        assert_eq!(serde_json::from_str::<RegionCategory>("3").unwrap(), three);
        assert!(serde_json::from_str::<RegionCategory>("4").is_err());
    }
}
