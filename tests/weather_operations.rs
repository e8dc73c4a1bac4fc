//! Every weather operation, typed and dynamic, through the whole road to the look-alike and back.
#![cfg(feature = "weather")]
#![allow(missing_docs, reason = "tests")]

use std::time::Duration;

use sandbox::{
    Fault, Rule, Sandbox,
    weather::{
        ABROAD, ABROAD_POINT, ADDRESS, API_KEY, Alert, Conditions, ONE_CALL_API_KEY, POINT, POSTAL_CODE, Service, TOWN,
    },
};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, ErrorCode, IntegrationManager, MasterKey, Role, Runtime, Tenant, Timestamp, providers,
    providers::{Quota, weather::*},
    storage::MemoryStorage,
};

const EVERY: [Source; 3] = [Source::Openweather, Source::Nws, Source::OpenMeteo];

struct School {
    sandbox: Sandbox,
    _manager: IntegrationManager,
    tenant: Tenant,
    admin: Actor,
}

impl School {
    /// With all three sources, and a place of its own.
    async fn open() -> Self {
        Self::with(|config| config.sources(EVERY)).await
    }

    async fn with(change: impl FnOnce(WeatherConfig) -> WeatherConfig) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let backoff = sis_integrations::transport::Backoff {
            first: Duration::from_millis(1),
            most: Duration::from_millis(2),
            attempts: 2,
        };
        let manager = IntegrationManager::builder()
            .storage(MemoryStorage::new())
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .providers(providers::all())
            .quota("weather", Quota { per_second: 0.0, burst: 0 })
            .backoff(backoff)
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let admin = Actor::new("u-1", Role::Admin);
        let tenant = manager.tenant("school").unwrap();
        let config = WeatherConfig::new()
            .api_key(API_KEY)
            .contact("it@school.example")
            .place("School Address", POINT)
            .base_url(sandbox.url("weather").parse().unwrap());
        tenant.configure(&admin, change(config)).await.unwrap();
        Self { sandbox, _manager: manager, tenant, admin }
    }

    /// Runs it by name, and answers the JSON.
    async fn ask(&self, operation: &str, arguments: Value) -> Value {
        match self.tenant.execute(&self.admin, "weather", operation, arguments).await {
            Ok(reply) => reply.output,
            Err(error) => panic!("{operation}: {error}"),
        }
    }

    async fn refuse(&self, operation: &str, arguments: Value) -> sis_integrations::Error {
        match self.tenant.execute(&self.admin, "weather", operation, arguments).await {
            Ok(reply) => panic!("{operation} was not refused: {}", reply.output),
            Err(error) => error,
        }
    }

    async fn closure(&self) -> ClosureReport {
        self.tenant.call(&self.admin, CheckSchoolClosureConditions::new("School Address", seed())).await.unwrap().output
    }

    fn make(&self, change: impl FnOnce(&mut Conditions)) {
        let mut conditions = Conditions::default();
        change(&mut conditions);
        self.sandbox.weather().set(POINT, conditions);
    }

    fn sent(&self) -> usize {
        self.sandbox.weather().recorder().exchanges().len()
    }
}

/// The seed's thresholds.
fn seed() -> ClosureThresholds {
    ClosureThresholds::new().temperature(-20.0).wind_speed(25.0).precipitation(10.0).visibility(1000.0)
}

fn ahead(hours: u64) -> Timestamp {
    Runtime::current().now().after(Duration::from_secs(hours * 3600))
}

fn event() -> CheckAthleticEvent {
    CheckAthleticEvent::new("School Address", ahead(2), ahead(4)).region_category(RegionCategory::Three)
}

#[tokio::test]
async fn the_seeds_example_runs_word_for_word() {
    let school = School::with(|config| config).await;
    let body: Value = serde_json::from_str(
        r#"{
  "args": [{
    "location": "School Address",
    "closureThresholds": {
      "temperature": -20,
      "windSpeed": 25,
      "precipitation": 10,
      "visibility": 1000
    }
  }]
}"#,
    )
    .unwrap();
    let answer = school.ask("checkSchoolClosureConditions", body).await;
    assert_eq!((&answer["verdict"], &answer["units"]), (&json!("open"), &json!("metric")));
    let place = &answer["resolvedLocation"];
    assert_eq!(
        (&place["name"], &place["lat"], &place["source"]),
        (&json!("School Address"), &json!(POINT.0), &json!("given"))
    );
    assert_eq!(
        answer["thresholds"],
        json!({ "temperature": -20.0, "windSpeed": 25.0, "precipitation": 10.0, "visibility": 1000.0 })
    );
    let typed = school.closure().await;
    assert_eq!((typed.verdict, typed.evidence.missing.len()), (ClosureVerdict::Open, 0));
    assert!(typed.evidence.values.iter().any(|reading| reading.metric == Metric::Visibility && reading.unit == "m"));
    assert_eq!(typed.evidence.sources.iter().map(|report| report.source).collect::<Vec<_>>(), EVERY[..2]);
}

#[tokio::test]
async fn each_threshold_closes_and_its_neighbourhood_is_watched() {
    let school = School::open().await;
    type Change = fn(&mut Conditions);
    let cases: [(Change, ClosureVerdict, Metric); 9] = [
        (|c| c.temperature = -20.0, ClosureVerdict::CloseRecommended, Metric::Temperature),
        (|c| c.temperature = -18.5, ClosureVerdict::Monitor, Metric::Temperature),
        (|c| c.wind = 25.0, ClosureVerdict::CloseRecommended, Metric::WindSpeed),
        (|c| c.gust = 25.0, ClosureVerdict::CloseRecommended, Metric::WindGust),
        (|c| c.wind = 23.0, ClosureVerdict::Monitor, Metric::WindSpeed),
        (|c| c.rain = 20.0, ClosureVerdict::CloseRecommended, Metric::Precipitation),
        (|c| c.visibility = 1000.0, ClosureVerdict::CloseRecommended, Metric::Visibility),
        (|c| c.visibility = 1050.0, ClosureVerdict::Monitor, Metric::Visibility),
        (|c| c.visibility = 1200.0, ClosureVerdict::Open, Metric::Visibility),
    ];
    for (change, verdict, metric) in cases {
        school.make(change);
        let report = school.closure().await;
        assert_eq!(report.verdict, verdict, "{metric:?}: {:?}", report.evidence.reasons);
        let reasons = report.evidence.reasons;
        if verdict == ClosureVerdict::Open {
            assert!(reasons.is_empty());
        } else {
            assert_eq!((reasons.len(), reasons[0].metric), (3, metric), "every source says so");
        }
    }
}

#[tokio::test]
async fn imperial_thresholds_are_the_same_weather() {
    let school = School::open().await;
    school.make(|conditions| conditions.temperature = -20.0);
    let ask = |temperature: f64| {
        let thresholds = json!({ "temperature": temperature });
        let arguments = json!({ "location": TOWN, "closureThresholds": thresholds, "units": "imperial" });
        school.ask("checkSchoolClosureConditions", arguments)
    };
    let closed = ask(-4.0).await;
    assert_eq!(closed["verdict"], "close_recommended");
    let reason = &closed["reasons"][0];
    assert_eq!(
        (&reason["value"], &reason["threshold"], &reason["unit"]),
        (&json!(-4.0), &json!(-4.0), &json!("°F")),
        "{reason}"
    );
    assert_eq!(ask(-10.0).await["verdict"], "open");
}

#[tokio::test]
async fn what_is_not_known_is_never_an_all_clear() {
    for service in [Service::Openweather, Service::Nws, Service::OpenMeteo] {
        let school = School::open().await;
        let weather = school.sandbox.weather();
        let named = |report: &ClosureReport| {
            let (source, state) = (&report.evidence.missing[0].source, &report.evidence.sources);
            assert_eq!(serde_json::to_value(source).unwrap(), service.name());
            state.iter().find(|one| Some(one.source) == *source).unwrap().state
        };
        weather.take_down(service);
        let report = school.closure().await;
        assert_eq!((report.verdict, named(&report)), (ClosureVerdict::Unknown, SourceState::Failed), "{service:?}");
        // What the others say still closes.
        school.make(|conditions| conditions.visibility = 200.0);
        let report = school.closure().await;
        assert_eq!((report.verdict, named(&report)), (ClosureVerdict::CloseRecommended, SourceState::Failed));
        weather.bring_up(service);
        school.make(|_| {});
        assert_eq!(school.closure().await.verdict, ClosureVerdict::Open);
        weather.empty(service);
        let report = school.closure().await;
        assert_eq!(report.verdict, ClosureVerdict::Unknown, "{service:?} answers 200 with nothing in it");
        named(&report);
    }
}

#[tokio::test]
async fn a_source_that_hangs_costs_nobody_elses_answer() {
    let school = School::open().await;
    school.make(|conditions| conditions.wind = 30.0);
    let hangs = Rule::always(Fault::DelayBefore { ms: 60_000 }).to(Service::Nws.name());
    school.sandbox.weather().faults().add(hangs);
    let call = school.tenant.request(&school.admin).deadline(Duration::from_secs(3));
    let report = call.call(CheckSchoolClosureConditions::new("School Address", seed())).await.unwrap();
    assert_eq!((report.verdict, report.evidence.reasons.len()), (ClosureVerdict::CloseRecommended, 2));
    let states: Vec<SourceState> = report.evidence.sources.iter().map(|source| source.state).collect();
    assert_eq!(states, [SourceState::Answered, SourceState::Failed, SourceState::Answered]);
    assert_eq!(report.evidence.sources[1].error.as_deref(), Some("timeout"));
}

#[tokio::test]
async fn a_missing_value_is_named_and_no_all_clear() {
    let school = School::with(|config| config.sources([Source::Openweather, Source::Nws])).await;
    let weather = school.sandbox.weather();
    weather.leave_out(Service::Openweather, "visibility");
    assert_eq!(school.closure().await.verdict, ClosureVerdict::Open, "the other source has it");
    weather.leave_out(Service::Nws, "visibility");
    let report = school.closure().await;
    assert_eq!((report.verdict, report.evidence.missing[0].what.as_str()), (ClosureVerdict::Unknown, "visibility"));
}

/// The temperature holds for hours together; a storm of one hour is in them.
#[tokio::test]
async fn a_wind_of_one_hour_is_felt_in_a_temperature_of_many() {
    let school = School::with(|config| config.sources([Source::Nws])).await;
    let weather = school.sandbox.weather();
    let calm = Conditions { temperature: -10.0, wind: 10.0 / 3.6, ..Conditions::default() };
    weather.set(POINT, calm);
    let hour = ahead(1).as_micros() / 3_600_000_000 * 3600;
    weather.turn(POINT, hour, Conditions { wind: 15.0, ..calm });
    weather.turn(POINT, hour + 3600, calm);
    let check = CheckSchoolClosureConditions::new(POINT, ClosureThresholds::new().wind_chill(-20.0))
        .window(Window::new(ahead(0), ahead(6)));
    let report = school.tenant.call(&school.admin, check).await.unwrap();
    assert_eq!(report.verdict, ClosureVerdict::CloseRecommended, "{:?}", report.evidence.values);
}

/// OpenWeather tells of every third hour; a period between two of them is as bad as the worse.
#[tokio::test]
async fn a_period_between_two_steps_is_as_bad_as_the_worse() {
    let school = School::with(|config| config.sources([Source::Openweather])).await;
    let weather = school.sandbox.weather();
    let step = (ahead(0).as_micros() / 10_800_000_000 + 2) * 10_800;
    weather.turn(POINT, step, Conditions { visibility: 200.0, ..Conditions::default() });
    weather.turn(POINT, step + 1, Conditions::default());
    let check = |from: i64, to: i64| {
        let at = |second: i64| Timestamp::from_micros((step + second) * 1_000_000);
        let window = Window::new(at(from), at(to));
        CheckSchoolClosureConditions::new(POINT, seed()).alerts(false).window(window)
    };
    for (from, to, verdict) in [
        (3600, 7200, ClosureVerdict::CloseRecommended),
        (-7200, -3600, ClosureVerdict::CloseRecommended),
        (10_800, 14_400, ClosureVerdict::Open),
    ] {
        let report = school.tenant.call(&school.admin, check(from, to)).await.unwrap();
        assert_eq!(report.verdict, verdict, "{from}: {:?}", report.evidence.values);
    }
}

/// Detroit's longitude makes it six hours behind, but its clocks are New York's.
#[tokio::test]
async fn school_hours_are_those_of_the_places_time_zone() {
    let school = School::with(|config| config.sources([Source::Nws])).await;
    let check = CheckSchoolClosureConditions::new((42.33, -83.05), seed());
    let report = school.tenant.call(&school.admin, check).await.unwrap();
    let end = jiff::Timestamp::from_microsecond(report.evidence.window.end.as_micros()).unwrap();
    assert_eq!(end.in_tz("America/New_York").unwrap().hour(), 18);
}

#[tokio::test]
async fn what_is_measured_now_is_no_forecast() {
    let school = School::with(|config| config.sources([Source::Openweather])).await;
    school.sandbox.weather().leave_out(Service::Openweather, "list");
    let check = CheckSchoolClosureConditions::new(POINT, seed()).alerts(false).window(Window::new(ahead(0), ahead(3)));
    let report = school.tenant.call(&school.admin, check).await.unwrap();
    assert_eq!(report.evidence.sources[0].state, SourceState::Empty);
    assert_eq!(report.verdict, ClosureVerdict::Unknown);
    assert!(report.evidence.missing.iter().any(|missing| missing.source == Some(Source::Openweather)));
}

#[tokio::test]
async fn a_clear_day_closes_nothing_however_near_the_threshold_is() {
    let school = School::with(|config| config.sources([Source::Openweather])).await;
    let check = |visibility: f64, units: Units| {
        let thresholds = ClosureThresholds::new().visibility(visibility);
        CheckSchoolClosureConditions::new(POINT, thresholds).units(units).alerts(false)
    };
    let near = [(10_000.0, Units::Metric), (9_999.0, Units::Metric), (9_500.0, Units::Metric), (6.2, Units::Imperial)];
    for (threshold, units) in near {
        // OpenWeather says 10,000 m for "at least so far".
        school.make(|conditions| conditions.visibility = 40_000.0);
        let report = school.tenant.call(&school.admin, check(threshold, units)).await.unwrap();
        assert_eq!(report.verdict, ClosureVerdict::Open, "{threshold}: {:?}", report.evidence.reasons);
        school.make(|conditions| conditions.visibility = 9_000.0);
        let report = school.tenant.call(&school.admin, check(threshold, units)).await.unwrap();
        assert_eq!(report.verdict, ClosureVerdict::CloseRecommended, "{threshold}");
    }
}

#[tokio::test]
async fn a_period_beyond_every_forecast_is_unknown() {
    let school = School::with(|config| config.sources([Source::Openweather, Source::Nws])).await;
    let check =
        CheckSchoolClosureConditions::new(POINT, seed()).window(Window::new(ahead(24 * 10), ahead(24 * 10 + 8)));
    let report = school.tenant.call(&school.admin, check).await.unwrap();
    assert_eq!((report.verdict, report.evidence.missing.len()), (ClosureVerdict::Unknown, 4));
}

#[tokio::test]
async fn no_coverage_is_no_all_clear() {
    let school = School::with(|config| config.sources(EVERY)).await;
    let ask = |alerts: bool| CheckSchoolClosureConditions::new(ABROAD, seed()).alerts(alerts);
    let report = school.tenant.call(&school.admin, ask(true)).await.unwrap();
    assert_eq!((report.verdict, report.evidence.missing[0].what.as_str()), (ClosureVerdict::Unknown, "alerts"));
    let report = school.tenant.call(&school.admin, ask(false)).await.unwrap();
    assert_eq!(report.verdict, ClosureVerdict::Open, "{:?}", report.evidence.missing);
    assert_eq!(report.evidence.resolved_location.country.as_deref(), Some("NO"));

    let error = school.refuse("getWeatherAlerts", json!({ "location": ABROAD })).await;
    assert_eq!(error.code(), ErrorCode::UnsupportedOperation);
    let school = School::with(|config| config.api_key(ONE_CALL_API_KEY).one_call()).await;
    // One Call leaves `alerts` out where there are none, and where nobody tells it of any.
    let error = school.refuse("getWeatherAlerts", json!({ "location": ABROAD })).await;
    assert_eq!(error.code(), ErrorCode::UnsupportedOperation);
    let report = school.tenant.call(&school.admin, ask(true)).await.unwrap();
    assert_eq!((report.verdict, report.evidence.missing[0].what.as_str()), (ClosureVerdict::Unknown, "alerts"));
    let alerts = school.tenant.call(&school.admin, GetWeatherAlerts::new(TOWN)).await.unwrap();
    assert_eq!((alerts.alerts.len(), alerts.coverage.as_slice()), (0, &[Source::Nws][..]));
    school.sandbox.weather().warn(ABROAD_POINT, Alert::new("1", "Storm", "Severe"));
    let alerts = school.tenant.call(&school.admin, GetWeatherAlerts::new(ABROAD)).await.unwrap();
    assert_eq!((alerts.alerts.len(), alerts.alerts[0].source), (1, Source::Openweather));
    assert_eq!(alerts.coverage, [Source::Openweather]);
    let check = CheckSchoolClosureConditions::new(ABROAD, seed());
    let report = school.tenant.call(&school.admin, check).await.unwrap();
    assert_eq!(report.verdict, ClosureVerdict::Monitor, "an alert without a severity is a grave one");
    assert!(report.evidence.missing.is_empty());
}

#[tokio::test]
async fn alerts_are_actual_current_and_the_gravest_first() {
    let school = School::open().await;
    let weather = school.sandbox.weather();
    weather.warn(POINT, Alert::new("old", "Winter Storm Watch", "Severe"));
    weather.warn(POINT, Alert::new("minor", "Frost Advisory", "Minor"));
    let mut new = Alert::new("new", "Blizzard Warning", "Extreme");
    new.references = vec!["old".to_owned()];
    weather.warn(POINT, new);
    weather.warn(POINT, Alert { status: "Test".to_owned(), ..Alert::new("test", "Tornado Warning", "Extreme") });
    weather.warn(POINT, Alert { message_type: "Cancel".to_owned(), ..Alert::new("gone", "Flood Warning", "Severe") });
    let answer = school.ask("getWeatherAlerts", json!({ "location": "School Address" })).await;
    let ids: Vec<&str> =
        answer["alerts"].as_array().unwrap().iter().map(|alert| alert["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["new", "minor"]);
    assert_eq!(answer["alerts"][0]["response"], "Shelter", "what else the vendor sent is kept");
    assert!(answer["missing"].as_array().unwrap().is_empty());
    assert_eq!(school.closure().await.verdict, ClosureVerdict::Monitor, "a grave alert is watched");

    weather.empty(Service::Nws);
    let error = school.refuse("getWeatherAlerts", json!({ "location": "School Address" })).await;
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    weather.bring_up(Service::Nws);
    weather.take_down(Service::Nws);
    let error = school.refuse("getWeatherAlerts", json!({ "location": "School Address" })).await;
    assert_eq!(error.code(), ErrorCode::VendorUnavailable);
}

#[tokio::test]
async fn places_are_found_in_every_way_and_never_guessed() {
    let school = School::open().await;
    for (location, source, country) in [
        (json!("41.84,-87.65"), "given", None),
        (json!({ "lat": 41.84, "lon": -87.65 }), "given", None),
        (json!("school address"), "given", None),
        (json!(TOWN), "openweather", Some("US")),
        (json!(POSTAL_CODE), "openweather", Some("US")),
        (json!("Springfield, OH, US"), "openweather", Some("US")),
        (json!(ADDRESS), "us_census", Some("US")),
    ] {
        let place = school.ask("resolvePlace", json!({ "location": location })).await;
        assert_eq!((place["source"].as_str(), place["country"].as_str()), (Some(source), country), "{location}");
    }
    let error = school.refuse("resolvePlace", json!({ "location": "60699" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("location")));
    assert!(error.message().contains("60699,US") && error.message().contains("default_country"), "{error}");
    for (country, code, found) in [("us", "60699", "US"), ("us", "60699-1234", "US"), ("NO", "0199", "NO")] {
        let school = School::with(|config| config.default_country(country)).await;
        let place = school.ask("resolvePlace", json!({ "location": code })).await;
        assert_eq!(place["country"], found, "{code}");
    }
    // Illinois is no country, and Israel was not meant.
    let error = school.refuse("resolvePlace", json!({ "location": "60699,IL" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("location")));
    assert!(error.message().contains("60699,US"), "{error}");
    let israel = School::with(|config| config.default_country("IL")).await;
    let error = israel.refuse("resolvePlace", json!({ "location": "60699,IL" })).await;
    assert_eq!(error.code(), ErrorCode::NotFound, "there it is asked for: {error}");
    for location in ["Atlantis,US", "99999,US", "1 Nowhere Lane, Rivertown, IL"] {
        let error = school
            .refuse(
                "checkSchoolClosureConditions",
                json!({ "location": location, "closureThresholds": { "temperature": -20 } }),
            )
            .await;
        assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("location")), "{location}");
    }
    let error = school.refuse("resolvePlace", json!({ "location": "Springfield" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("location")));
    for state in ["Illinois", "Missouri", "Massachusetts", "Ohio", "Oregon"] {
        assert!(error.message().contains(state), "{error}");
    }
    let keyless = School::with(|mut config| {
        config.api_key = None;
        config
    })
    .await;
    let error = keyless.refuse("resolvePlace", json!({ "location": TOWN })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("location")));
    assert_eq!(keyless.ask("resolvePlace", json!({ "location": ADDRESS })).await["lat"], POINT.0);
}

#[tokio::test]
async fn bad_arguments_are_refused_with_their_path_and_send_nothing() {
    let school = School::open().await;
    let thresholds =
        |name: &str, value: f64| json!({ "location": "School Address", "closureThresholds": { name: value } });
    let over = json!({ "start": "2020-01-01T00:00:00Z", "end": "2020-01-01T01:00:00Z" });
    let trip = |count: usize| json!({ "stops": vec![json!({ "location": TOWN, "arrive": ahead(1), "depart": ahead(2) }); count] });
    let closing = "checkSchoolClosureConditions";
    for (operation, arguments, field) in [
        (
            "checkAthleticEvent",
            json!({ "location": TOWN, "start": ahead(1), "end": ahead(2), "indoor": true, "airQuality": false, "alerts": false }),
            "alerts",
        ),
        (closing, thresholds("visibility", 10_001.0), "closureThresholds.visibility"),
        (closing, thresholds("temperature", 100.0), "closureThresholds.temperature"),
        (closing, thresholds("windSpeed", -1.0), "closureThresholds.windSpeed"),
        (closing, thresholds("precipitation", 0.0), "closureThresholds.precipitation"),
        (closing, thresholds("snow", 1.0), "closureThresholds.snow"),
        (closing, json!({ "location": "School Address", "closureThresholds": {} }), "closureThresholds"),
        (closing, json!({ "location": 5, "closureThresholds": { "temperature": 0 } }), "location"),
        (
            closing,
            json!({ "location": { "lat": 91, "lon": 0 }, "closureThresholds": { "temperature": 0 } }),
            "location.lat",
        ),
        (closing, json!({ "location": TOWN, "closureThresholds": { "temperature": 0 }, "window": over }), "window.end"),
        (closing, json!({ "location": TOWN, "closureThresholds": { "temperature": 0 }, "units": "kelvin" }), "units"),
        ("checkAthleticEvent", json!({ "location": TOWN, "start": ahead(2), "end": ahead(1) }), "end"),
        ("checkAthleticEvent", json!({ "location": TOWN, "start": ahead(1), "end": ahead(24 * 20) }), "end"),
        (
            "checkAthleticEvent",
            json!({ "location": TOWN, "start": ahead(1), "end": ahead(2), "regionCategory": 4 }),
            "regionCategory",
        ),
        (
            "checkAthleticEvent",
            json!({ "location": TOWN, "start": ahead(1), "end": ahead(2), "lightning": { "lastObservedAt": ahead(1) } }),
            "lightning.lastObservedAt",
        ),
        (
            "checkAthleticEvent",
            json!({ "location": TOWN, "start": ahead(1), "end": ahead(2), "lightning": { "lastObservedAt": ahead(0), "distanceMiles": -1 } }),
            "lightning.distanceMiles",
        ),
        ("checkFieldTrip", trip(0), "stops"),
        ("checkFieldTrip", trip(11), "stops"),
        ("getForecast", json!({ "location": TOWN, "steps": "daily", "count": 17 }), "count"),
        ("getForecast", json!({ "location": " " }), "location"),
        ("getSources", json!({ "x": 1 }), "x"),
    ] {
        let error = school.refuse(operation, arguments.clone()).await;
        assert_eq!(
            (error.code(), error.field()),
            (ErrorCode::InvalidArgument, Some(field)),
            "{operation} {arguments}: {error}"
        );
    }
    assert_eq!(school.sent(), 0);
}

#[tokio::test]
async fn athletic_events_follow_the_bands() {
    let school = School::open().await;
    type Change = fn(&mut Conditions);
    let cases: [(&str, Change, EventVerdict); 9] = [
        ("mild", |_| {}, EventVerdict::NoRestriction),
        ("hot: WBGT 35.4 °C", |c| (c.temperature, c.humidity) = (32.2, 70.0), EventVerdict::Cancel),
        ("warm: WBGT 29.3 °C", |c| (c.temperature, c.humidity) = (30.0, 50.0), EventVerdict::Modify),
        ("bitter", |c| (c.temperature, c.wind) = (-20.0, 10.0), EventVerdict::Cancel),
        ("cold", |c| (c.temperature, c.wind) = (-5.0, 3.0), EventVerdict::Modify),
        ("thunder", |c| c.thunder = true, EventVerdict::Modify),
        ("unhealthy air", |c| c.us_aqi = 160.0, EventVerdict::Postpone),
        ("hazardous particles", |c| c.fine_particles = 130.0, EventVerdict::Cancel),
        ("800 ppb of sulphur dioxide", |c| c.sulphur_dioxide = 2096.0, EventVerdict::Cancel),
    ];
    for (name, change, verdict) in cases {
        school.make(change);
        let report = school.tenant.call(&school.admin, event()).await.unwrap();
        assert_eq!(report.verdict, verdict, "{name}: {:?} {:?}", report.evidence.reasons, report.evidence.missing);
        assert!(report.estimate);
    }
    school.make(|_| {});
    let lit = event().lightning(Lightning::new(ahead(0)));
    let mut now = lit.clone();
    now.start = ahead(0);
    let report = school.tenant.call(&school.admin, now).await.unwrap();
    assert_eq!(report.verdict, EventVerdict::Postpone);
    assert!(report.suspend_until.is_some());
    let report = school.tenant.call(&school.admin, lit).await.unwrap();
    assert_eq!((report.verdict, report.suspend_until), (EventVerdict::NoRestriction, None), "it is over by then");

    school.sandbox.weather().warn(POINT, Alert::new("t", "Severe Thunderstorm Warning", "Severe"));
    assert_eq!(school.tenant.call(&school.admin, event()).await.unwrap().verdict, EventVerdict::Postpone);
}

#[tokio::test]
async fn athletics_without_a_value_are_unknown() {
    let school = School::open().await;
    for (service, field) in [
        (Service::Openweather, "humidity"),
        (Service::Nws, "relativeHumidity"),
        (Service::OpenMeteo, "relative_humidity_2m"),
    ] {
        assert_eq!(school.tenant.call(&school.admin, event()).await.unwrap().verdict, EventVerdict::NoRestriction);
        school.sandbox.weather().leave_out(service, field);
    }
    let report = school.tenant.call(&school.admin, event()).await.unwrap();
    assert_eq!(report.verdict, EventVerdict::Unknown);
    assert!(report.evidence.missing.iter().any(|missing| missing.what == "wbgt"));
    // Indoors neither heat nor cold counts.
    assert_eq!(school.tenant.call(&school.admin, event().indoor()).await.unwrap().verdict, EventVerdict::NoRestriction);
}

#[tokio::test]
async fn a_trip_is_as_safe_as_its_worst_stop() {
    let school = School::open().await;
    let stops = |second: &str| {
        CheckFieldTrip::new([Stop::new(TOWN, ahead(2), ahead(4)), Stop::new(second, ahead(5), ahead(8))])
            .thresholds(ClosureThresholds::new().wind_speed(20.0))
    };
    let there = "Springfield,OH,US";
    let verdict = async |trip: CheckFieldTrip| {
        let report = school.tenant.call(&school.admin, trip).await.unwrap().output;
        let each: Vec<TripVerdict> = report.stops.iter().map(|stop| stop.verdict).collect();
        (report.verdict, each)
    };
    assert_eq!(verdict(stops(there)).await, (TripVerdict::Go, vec![TripVerdict::Go; 2]));
    let springfield = (39.92, -83.81);
    school.sandbox.weather().set(springfield, Conditions { ultraviolet: 9.0, ..Default::default() });
    assert_eq!(verdict(stops(there)).await, (TripVerdict::Caution, vec![TripVerdict::Go, TripVerdict::Caution]));
    school.sandbox.weather().set(springfield, Conditions { gust: 21.0, ..Default::default() });
    assert_eq!(verdict(stops(there)).await.0, TripVerdict::Cancel);
    let late = CheckFieldTrip::new([Stop::new(TOWN, ahead(24 * 20), ahead(24 * 20 + 1))]);
    assert_eq!(verdict(late).await.0, TripVerdict::Unknown, "no forecast reaches so far");
    let arguments = json!({ "stops": [
        { "location": TOWN, "arrive": ahead(1), "depart": ahead(2) },
        { "location": "Springfield", "arrive": ahead(1), "depart": ahead(2) },
    ] });
    assert_eq!(school.refuse("checkFieldTrip", arguments).await.field(), Some("stops[1].location"));
    let plain = School::with(|config| config).await;
    let arguments = json!({ "stops": [{ "location": TOWN, "arrive": ahead(1), "depart": ahead(2) }], "uvIndex": 8 });
    assert_eq!(plain.refuse("checkFieldTrip", arguments).await.field(), Some("uvIndex"));
}

#[tokio::test]
async fn the_weather_itself_comes_from_every_source_in_the_units_asked_for() {
    let school = School::open().await;
    school.make(|conditions| (conditions.temperature, conditions.wind, conditions.rain) = (20.0, 10.0, 1.0));
    let now = school.tenant.call(&school.admin, GetCurrentWeather::new(POINT).units(Units::Imperial)).await.unwrap();
    assert_eq!(now.weather.iter().map(|one| one.source).collect::<Vec<_>>(), EVERY);
    for one in &now.weather {
        let step = &one.steps[0];
        assert_eq!((step.temperature_min, step.wind_speed), (Some(68.0), Some(22.369)), "{:?}", one.source);
    }
    let days = school.tenant.call(&school.admin, GetForecast::new(POINT).daily().count(3)).await.unwrap();
    for one in &days.weather {
        assert_eq!(one.steps.len(), 3, "{:?}", one.source);
        assert_eq!(one.steps[1].precipitation, Some(24.0), "{:?}", one.source);
    }
    let hours = school.tenant.call(&school.admin, GetForecast::new(POINT).count(6)).await.unwrap();
    let counts: Vec<usize> = hours.weather.iter().map(|one| one.steps.len()).collect();
    assert_eq!(counts, [2, 6, 6], "OpenWeather forecasts three hours at a time");
    school.sandbox.weather().take_down(Service::Nws);
    let now = school.tenant.call(&school.admin, GetCurrentWeather::new(POINT)).await.unwrap();
    assert_eq!((now.weather.len(), now.missing[0].source), (2, Some(Source::Nws)));
    school.sandbox.weather().take_down(Service::Openweather);
    school.sandbox.weather().take_down(Service::OpenMeteo);
    let error = school.refuse("getCurrentWeather", json!({ "location": "School Address" })).await;
    assert_eq!(error.code(), ErrorCode::VendorUnavailable);
}

#[tokio::test]
async fn the_air_is_told_by_the_index_of_the_united_states() {
    let school = School::open().await;
    school.make(|conditions| (conditions.fine_particles, conditions.us_aqi) = (35.4, 90.0));
    let report = school.tenant.call(&school.admin, GetAirQuality::new(POINT)).await.unwrap();
    let told: Vec<(Source, f64, &str)> =
        report.air.iter().map(|air| (air.source, air.index, air.category.as_str())).collect();
    assert_eq!(told, [(Source::Openweather, 100.0, "Moderate"), (Source::OpenMeteo, 90.0, "Moderate")]);
    school.sandbox.weather().empty(Service::Openweather);
    school.sandbox.weather().empty(Service::OpenMeteo);
    let error = school.refuse("getAirQuality", json!({ "location": { "lat": POINT.0, "lon": POINT.1 } })).await;
    assert_eq!(error.code(), ErrorCode::InvalidResponse, "{error}");
    let coarse = School::with(|config| config.sources([Source::Openweather])).await;
    coarse.sandbox.weather().leave_out(Service::Openweather, "pm2_5");
    let error = coarse.refuse("getAirQuality", json!({ "location": "School Address" })).await;
    assert_eq!(error.code(), ErrorCode::InvalidResponse, "ozone alone makes no good air: {error}");
    let nws = School::with(|config| config.sources([Source::Nws])).await;
    let error = nws.refuse("getAirQuality", json!({ "location": "School Address" })).await;
    assert_eq!(error.code(), ErrorCode::UnsupportedOperation);
}

#[tokio::test]
async fn a_wrong_key_is_told_and_goes_to_nobody_else() {
    let school = School::with(|config| config.api_key("s3cret-of-somebody").sources(EVERY)).await;
    let error = school.refuse("getSources", json!({})).await;
    assert_eq!(error.code(), ErrorCode::NeedsReconnect);
    assert!(!format!("{error:?}{error}{}", error.to_json()).contains("s3cret"));
    let report = school.closure().await;
    assert_eq!(report.verdict, ClosureVerdict::Unknown);
    assert_eq!(report.evidence.sources[0].error.as_deref(), Some("needs_reconnect"));
    for exchange in school.sandbox.weather().recorder().exchanges() {
        let keyed = exchange.query.iter().any(|(_, value)| value.contains("s3cret"));
        assert_eq!(
            keyed,
            exchange.path.starts_with("/data/") || exchange.path.starts_with("/geo/"),
            "{}",
            exchange.path
        );
        if exchange.path.starts_with("/points/") || exchange.path.starts_with("/alerts/") {
            assert!(exchange.header("user-agent").unwrap().contains("it@school.example"));
            assert!(exchange.query.iter().all(|(name, _)| name != "limit"));
        }
    }
}
