//! The air quality index of the United States from concentrations.
//!
//! Cut points: 40 CFR 58, Appendix G, as in force since 2024-05-06 (PM2.5 with 9.0, 125.4 and 225.4).
//! <https://www.ecfr.gov/current/title-40/part-58/appendix-Appendix%20G%20to%20Part%2058>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pollutant that the index counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pollutant {
    /// Fine particles, µg/m³, mean of 24 hours.
    #[serde(rename = "pm2_5")]
    Pm25,
    /// Particles, µg/m³, mean of 24 hours.
    Pm10,
    /// Ozone, ppm, mean of 8 hours.
    Ozone,
    /// Nitrogen dioxide, ppb, one hour.
    NitrogenDioxide,
    /// Sulphur dioxide, ppb, one hour.
    SulphurDioxide,
    /// Carbon monoxide, ppm, mean of 8 hours.
    CarbonMonoxide,
}

/// The index at the upper end of each band.
const BANDS: [f64; 6] = [50.0, 100.0, 150.0, 200.0, 300.0, 500.0];

impl Pollutant {
    pub(super) const ALL: [Self; 6] =
        [Self::Pm25, Self::Pm10, Self::Ozone, Self::NitrogenDioxide, Self::SulphurDioxide, Self::CarbonMonoxide];

    /// Upper ends of the bands, the step of truncation, and what one µg/m³ at 25 °C is in the table's unit.
    ///
    /// Ozone over 8 hours is not counted above 0.200 ppm; the table has the one-hour value there, whose upper ends are
    /// taken on.
    const fn table(self) -> ([f64; 6], f64, f64) {
        match self {
            Self::Pm25 => ([9.0, 35.4, 55.4, 125.4, 225.4, 325.4], 0.1, 1.0),
            Self::Pm10 => ([54.0, 154.0, 254.0, 354.0, 424.0, 604.0], 1.0, 1.0),
            Self::Ozone => ([0.054, 0.070, 0.085, 0.105, 0.200, 0.404], 0.001, 1.0 / 1.96 / 1000.0),
            Self::NitrogenDioxide => ([53.0, 100.0, 360.0, 649.0, 1249.0, 2049.0], 1.0, 1.0 / 1.88),
            Self::SulphurDioxide => ([35.0, 75.0, 185.0, 304.0, 604.0, 1004.0], 1.0, 1.0 / 2.62),
            Self::CarbonMonoxide => ([4.4, 9.4, 12.4, 15.4, 30.4, 50.4], 0.1, 1.0 / 1.15 / 1000.0),
        }
    }

    /// Over how many hours its concentration is averaged.
    pub(super) const fn hours(self) -> usize {
        match self {
            Self::Pm25 | Self::Pm10 => 24,
            Self::Ozone | Self::CarbonMonoxide => 8,
            Self::NitrogenDioxide | Self::SulphurDioxide => 1,
        }
    }
}

/// The index of a concentration in the table's own unit, at most 500.
pub(super) fn index(pollutant: Pollutant, concentration: f64) -> f64 {
    let (ends, step, _) = pollutant.table();
    // The little more undoes what binary fractions take from a value that is already on a step: 35.4 / 0.1 is 353.99….
    let steps = |value: f64| (value / step + 1e-6).floor();
    let truncated = steps(concentration.max(0.0));
    let (mut from, mut low) = (0.0, 0.0);
    for (end, high) in ends.into_iter().zip(BANDS) {
        let end = steps(end);
        if truncated <= end {
            return ((high - low) / (end - from) * (truncated - from) + low).round();
        }
        (from, low) = (end + 1.0, high + 1.0);
    }
    500.0
}

/// The index of a concentration in µg/m³ at 25 °C.
pub(super) fn index_of_micrograms(pollutant: Pollutant, micrograms: f64) -> f64 {
    index(pollutant, micrograms * pollutant.table().2)
}

/// The worst of several pollutants' indices.
///
/// Fine particles make the index nearly everywhere. Without theirs the others' is only the least that it can be: none is
/// told then, unless it is unhealthy already.
pub(super) fn worst(indices: impl IntoIterator<Item = (Pollutant, f64)>) -> Option<(Pollutant, f64)> {
    let mut fine = false;
    let counted = indices.into_iter().inspect(|(pollutant, _)| fine |= *pollutant == Pollutant::Pm25);
    let worst = counted.reduce(|a, b| if b.1 > a.1 { b } else { a });
    worst.filter(|(_, index)| fine || *index > 100.0)
}

/// What the index is called. <https://www.airnow.gov/aqi/aqi-basics/>
pub(super) fn category(index: f64) -> &'static str {
    match index {
        i if i <= 50.0 => "Good",
        i if i <= 100.0 => "Moderate",
        i if i <= 150.0 => "Unhealthy for Sensitive Groups",
        i if i <= 200.0 => "Unhealthy",
        i if i <= 300.0 => "Very Unhealthy",
        _ => "Hazardous",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends of every band of the regulation's table give the index printed there.
    #[test]
    fn the_ends_of_the_bands_are_the_tables() {
        let lows: [(Pollutant, [f64; 6]); 6] = [
            (Pollutant::Pm25, [0.0, 9.1, 35.5, 55.5, 125.5, 225.5]),
            (Pollutant::Pm10, [0.0, 55.0, 155.0, 255.0, 355.0, 425.0]),
            (Pollutant::Ozone, [0.0, 0.055, 0.071, 0.086, 0.106, 0.201]),
            (Pollutant::NitrogenDioxide, [0.0, 54.0, 101.0, 361.0, 650.0, 1250.0]),
            (Pollutant::SulphurDioxide, [0.0, 36.0, 76.0, 186.0, 305.0, 605.0]),
            (Pollutant::CarbonMonoxide, [0.0, 4.5, 9.5, 12.5, 15.5, 30.5]),
        ];
        for (pollutant, lows) in lows {
            let ends = pollutant.table().0;
            for band in 0..6 {
                let low = if band == 0 { 0.0 } else { BANDS[band - 1] + 1.0 };
                assert_eq!(index(pollutant, lows[band]), low, "{pollutant:?} {}", lows[band]);
                assert_eq!(index(pollutant, ends[band]), BANDS[band], "{pollutant:?} {}", ends[band]);
            }
        }
    }

    #[test]
    fn without_fine_particles_only_bad_air_is_told() {
        let (fine, ozone) = ((Pollutant::Pm25, 20.0), |index| (Pollutant::Ozone, index));
        assert_eq!(worst([ozone(30.0)]), None);
        assert_eq!(worst([ozone(100.0)]), None);
        assert_eq!(worst([ozone(101.0)]), Some(ozone(101.0)));
        assert_eq!(worst([fine, ozone(30.0)]), Some(ozone(30.0)));
        assert_eq!(worst([fine, ozone(10.0)]), Some(fine));
        assert_eq!(worst([]), None);
    }

    #[test]
    fn values_between_are_truncated_and_interpolated() {
        for (concentration, printed) in
            [(9.0, 50.0), (9.09, 50.0), (9.1, 51.0), (35.4, 100.0), (55.5, 151.0), (150.0, 225.0), (9000.0, 500.0)]
        {
            assert_eq!(index(Pollutant::Pm25, concentration), printed, "{concentration}");
        }
        assert_eq!(index_of_micrograms(Pollutant::Ozone, 0.070 * 1960.0), 100.0);
        assert_eq!((category(100.0), category(101.0)), ("Moderate", "Unhealthy for Sensitive Groups"));
    }
}
