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
    let index = -42.379 + 2.049_015_23 * t + 10.143_331_27 * r
        - 0.224_755_41 * t * r
        - 0.006_837_83 * t * t
        - 0.054_817_17 * r * r
        + 0.001_228_74 * t * t * r
        + 0.000_852_82 * t * r * r
        - 0.000_001_99 * t * t * r * r;
    if r < 13.0 && (80.0..=112.0).contains(&t) {
        return index - (13.0 - r) / 4.0 * ((17.0 - (t - 95.0).abs()) / 17.0).max(0.0).sqrt();
    }
    if r > 85.0 && (80.0..=87.0).contains(&t) {
        return index + (r - 85.0) / 10.0 * ((87.0 - t) / 5.0);
    }
    index
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

    /// The National Weather Service's heat index chart, as printed; and tenths worked out from the page's equation by
    /// hand for each of its branches.
    #[test]
    fn heat_index_is_the_charts() {
        for (humidity, row) in [
            (40.0, [(80.0, 80.0), (84.0, 83.0), (90.0, 91.0), (96.0, 101.0), (100.0, 109.0), (104.0, 119.0)]),
            (50.0, [(80.0, 81.0), (84.0, 85.0), (90.0, 95.0), (96.0, 108.0), (100.0, 118.0), (104.0, 131.0)]),
            (60.0, [(80.0, 82.0), (84.0, 88.0), (90.0, 100.0), (94.0, 110.0), (96.0, 116.0), (100.0, 129.0)]),
            (70.0, [(80.0, 83.0), (84.0, 90.0), (86.0, 95.0), (90.0, 105.0), (92.0, 112.0), (96.0, 126.0)]),
        ] {
            for (temperature, printed) in row {
                let index = heat_index_f(temperature, humidity);
                assert_eq!(index.round(), printed, "{temperature} °F, {humidity} %: {index}");
            }
        }
        for (t, r, tenth) in [
            (90.0, 50.0, 94.6),
            (90.0, 70.0, 105.9),
            (95.0, 55.0, 109.0),
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
