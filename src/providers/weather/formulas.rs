//! Published formulas, each with its source; the tests hold them to the published tables' printed precision.

use super::units::{celsius, fahrenheit, mph};

/// Wind chill in °C from °C and m/s: the formula of 2001 in its own units, °F and mph. Where it is not defined (above
/// 50 °F, or at 3 mph and below) it is the air temperature. <https://www.weather.gov/safety/cold-wind-chill-chart>
pub(super) fn wind_chill(temperature: f64, wind: f64) -> f64 {
    celsius(wind_chill_f(fahrenheit(temperature), mph(wind)))
}

fn wind_chill_f(t: f64, v: f64) -> f64 {
    if t > 50.0 || v <= 3.0 {
        return t;
    }
    let power = v.powf(0.16);
    35.74 + 0.6215 * t - 35.75 * power + 0.4275 * t * power
}

/// Heat index in °C from °C and relative humidity in percent: Steadman's simple form, and above 80 °F Rothfusz's
/// regression with its two adjustments. <https://www.wpc.ncep.noaa.gov/html/heatindex_equation.shtml>
pub(super) fn heat_index(temperature: f64, humidity: f64) -> f64 {
    celsius(heat_index_f(fahrenheit(temperature), humidity))
}

fn heat_index_f(t: f64, r: f64) -> f64 {
    let simple = f64::midpoint(0.5 * (t + 61.0 + (t - 68.0) * 1.2 + r * 0.094), t);
    if simple < 80.0 {
        return simple;
    }
    let index = rothfusz(t, r);
    if r < 13.0 && (80.0..=112.0).contains(&t) {
        return index - (13.0 - r) / 4.0 * ((17.0 - (t - 95.0).abs()) / 17.0).max(0.0).sqrt();
    }
    if r > 85.0 && (80.0..=87.0).contains(&t) {
        return index + (r - 85.0) / 10.0 * ((87.0 - t) / 5.0);
    }
    index
}

/// Rothfusz's regression, in °F: the National Weather Service's chart. It errs by up to 1.3 °F.
fn rothfusz(t: f64, r: f64) -> f64 {
    -42.379 + 2.049_015_23 * t + 10.143_331_27 * r - 0.224_755_41 * t * r - 0.006_837_83 * t * t - 0.054_817_17 * r * r
        + 0.001_228_74 * t * t * r
        + 0.000_852_82 * t * r * r
        - 0.000_001_99 * t * t * r * r
}

/// Wet-bulb globe temperature in °C, estimated from °C and relative humidity alone: the approximation of the Australian
/// Bureau of Meteorology (after ACSM 1984). It takes a fairly high sun and a light wind for granted: it reads too high
/// under cloud, at night and in wind, and too low in extreme sun.
/// <http://www.bom.gov.au/info/thermal_stress/#approximation>
pub(super) fn wbgt_estimate(temperature: f64, humidity: f64) -> f64 {
    let vapour_pressure = humidity / 100.0 * 6.105 * (17.27 * temperature / (237.7 + temperature)).exp();
    0.567 * temperature + 0.393 * vapour_pressure + 3.94
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The National Weather Service's wind chill chart: wind in mph, then the printed value at each temperature.
    #[test]
    fn wind_chill_is_the_charts() {
        const TEMPERATURES: [f64; 6] = [40.0, 30.0, 20.0, 10.0, 0.0, -10.0];
        for (wind, printed) in [
            (5.0, [36.0, 25.0, 13.0, 1.0, -11.0, -22.0]),
            (10.0, [34.0, 21.0, 9.0, -4.0, -16.0, -28.0]),
            (15.0, [32.0, 19.0, 6.0, -7.0, -19.0, -32.0]),
            (20.0, [30.0, 17.0, 4.0, -9.0, -22.0, -35.0]),
            (30.0, [28.0, 15.0, 1.0, -12.0, -26.0, -39.0]),
            (60.0, [25.0, 10.0, -4.0, -19.0, -33.0, -48.0]),
        ] {
            for (temperature, printed) in TEMPERATURES.into_iter().zip(printed) {
                assert_eq!(wind_chill_f(temperature, wind).round(), printed, "{temperature} °F, {wind} mph");
            }
        }
        for (t, v, tenth) in [(0.0, 15.0, -19.4), (5.0, 25.0, -17.4), (-20.0, 30.0, -53.0)] {
            assert!((wind_chill_f(t, v) - tenth).abs() < 0.05, "{t} {v}");
        }
        assert_eq!((wind_chill_f(50.1, 40.0), wind_chill_f(0.0, 3.0)), (50.1, 0.0));
    }

    /// The National Weather Service's heat index chart, whole (<https://www.weather.gov/ama/heatindex>): a line for each
    /// humidity from 40 % in steps of 5, a column for each temperature from 80 °F in steps of 2. It was made with the
    /// regression alone; the page's adjustments for dry and humid air came later. Two cells of it, 45 % and 70 % at 90 °F,
    /// are known not to be the regression's, and are within 1 °F of it.
    const HEAT_INDEX_CHART: [&[i32]; 13] = [
        &[80, 81, 83, 85, 88, 91, 94, 97, 101, 105, 109, 114, 119, 124, 130, 136],
        &[80, 82, 84, 87, 89, 93, 96, 100, 104, 109, 114, 119, 124, 130, 137],
        &[81, 83, 85, 88, 91, 95, 99, 103, 108, 113, 118, 124, 131, 137],
        &[81, 84, 86, 89, 93, 97, 101, 106, 112, 117, 124, 130, 137],
        &[82, 84, 88, 91, 95, 100, 105, 110, 116, 123, 129, 137],
        &[82, 85, 89, 93, 98, 103, 108, 114, 121, 128, 136],
        &[83, 86, 90, 95, 100, 105, 112, 119, 126, 134],
        &[84, 88, 92, 97, 103, 109, 116, 124, 132],
        &[84, 89, 94, 100, 106, 113, 121, 129],
        &[85, 90, 96, 102, 110, 117, 126, 135],
        &[86, 91, 98, 105, 113, 122, 131],
        &[86, 93, 100, 108, 117, 127],
        &[87, 95, 103, 112, 121, 132],
    ];

    #[test]
    fn heat_index_is_the_charts() {
        let (mut cells, mut humidity) = (0, 40.0);
        for line in HEAT_INDEX_CHART {
            let mut temperature = 80.0;
            for printed in line {
                let (index, printed) = (rothfusz(temperature, humidity), f64::from(*printed));
                if temperature == 90.0 && (humidity == 45.0 || humidity == 70.0) {
                    assert!((index - printed).abs() < 1.0, "{temperature} °F, {humidity} %: {index}");
                } else {
                    assert_eq!(index.round(), printed, "{temperature} °F, {humidity} %: {index}");
                }
                (cells, temperature) = (cells + 1, temperature + 2.0);
            }
            humidity += 5.0;
        }
        assert_eq!(cells, 135);
    }

    /// Tenths worked out from the page's equation by hand, for each of its branches.
    #[test]
    fn heat_index_follows_every_branch() {
        for (t, r, tenth) in [
            (90.0, 50.0, 94.6),
            (90.0, 70.0, 105.9),
            (95.0, 55.0, 108.9),
            (100.0, 40.0, 109.3),
            (110.0, 10.0, 104.4),
            (84.0, 90.0, 98.3),
            (80.0, 40.0, 79.8),
            (70.0, 50.0, 69.5),
        ] {
            let index = heat_index_f(t, r);
            assert!((index - tenth).abs() < 0.0501, "{t} °F, {r} %: {index}");
        }
    }

    /// The Bureau's own table gives whole degrees; the tenths are the formula's, worked out by hand.
    #[test]
    fn wbgt_is_the_bureaus_approximation() {
        for (t, r, tenth) in [(30.0, 50.0, 29.3), (35.0, 40.0, 32.6), (32.2, 70.0, 35.4)] {
            let estimate = wbgt_estimate(t, r);
            assert!((estimate - tenth).abs() < 0.0501, "{t} °C, {r} %: {estimate}");
        }
    }
}
