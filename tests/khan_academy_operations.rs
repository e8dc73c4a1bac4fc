//! Every Khan Academy operation through the whole road: reports by their headers, and the v1-shaped API against its
//! look-alike.
#![cfg(feature = "khan_academy")]
#![allow(missing_docs, reason = "tests")]

use sandbox::{
    Fault, Rule, Sandbox,
    khan_academy::{
        BEARER_TOKEN, COACH_ID, CONSUMER_KEY, CONSUMER_SECRET, EXERCISE, OAUTH_TOKEN, OAUTH_TOKEN_SECRET, STUDENT_ID,
    },
};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, ErrorCode, IntegrationManager, MasterKey, Role, Tenant, providers,
    providers::{Quota, khan_academy::*},
    services::HealthStatus,
    storage::MemoryStorage,
};

struct School {
    sandbox: Sandbox,
    manager: IntegrationManager,
    tenant: Tenant,
    admin: Actor,
}

impl School {
    /// That only imports.
    async fn import() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let manager = IntegrationManager::builder()
            .storage(MemoryStorage::new())
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .providers(providers::all())
            .quota("khan_academy", Quota { per_second: 0.0, burst: 0 })
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let admin = Actor::new("u-1", Role::Admin);
        let tenant = manager.tenant("school").unwrap();
        let school = Self { sandbox, manager, tenant, admin };
        school.configure(KhanAcademyConfig::new()).await;
        school
    }

    /// With an API of its own, asked by OAuth.
    async fn open() -> Self {
        let school = Self::import().await;
        let config = school.at().oauth(CONSUMER_KEY, CONSUMER_SECRET, OAUTH_TOKEN, OAUTH_TOKEN_SECRET);
        school.configure(config).await;
        school
    }

    fn at(&self) -> KhanAcademyConfig {
        KhanAcademyConfig::at(self.sandbox.url("khan_academy").parse().unwrap())
    }

    async fn configure(&self, config: KhanAcademyConfig) {
        self.tenant.configure(&self.admin, config).await.unwrap();
    }

    async fn ask(&self, operation: &str, arguments: Value) -> Value {
        match self.tenant.execute(&self.admin, "khan_academy", operation, arguments).await {
            Ok(reply) => reply.output,
            Err(error) => panic!("{operation}: {error}"),
        }
    }

    async fn refuse(&self, operation: &str, arguments: Value) -> sis_integrations::Error {
        match self.tenant.execute(&self.admin, "khan_academy", operation, arguments).await {
            Ok(reply) => panic!("{operation} was not refused: {}", reply.output),
            Err(error) => error,
        }
    }

    async fn exercises(&self, report: Report) -> sis_integrations::Result<ExerciseProgress> {
        self.tenant.call(&self.admin, GetExerciseProgress::new(report)).await.map(|reply| reply.output)
    }
}

const SKILLS: &str = "Student Name,Student SIS ID,Course Name,Skill Name,Current Skill Mastery Level,Skill Mastery Points\n\
    \"Doe, Jané\",0042,Algebra 1,Slope,Mastered,100\n\
    \"Roe, John\",0043,Algebra 1,Slope,Familiar,50\n";

fn skills(text: &str) -> Report {
    Report::text(text).as_of("2026-11-24")
}

#[tokio::test]
async fn reports_are_read_by_header_and_never_by_position() {
    let school = School::import().await;
    let read = school.exercises(skills(SKILLS)).await.unwrap();
    assert_eq!((read.report.source.as_str(), read.report.as_of.as_str()), ("import", "2026-11-24"));
    assert_eq!(read.report.columns["sisId"], "Student SIS ID");
    let first = &read.exercises[0];
    assert_eq!((first.student.sis_id.as_deref(), first.student.name.as_deref()), (Some("0042"), Some("Doe, Jané")));
    assert_eq!((first.line, first.mastered, first.mastery_points), (2, true, Some(100.0)));
    assert!(!read.exercises[1].mastered);

    // The same columns in another order, with one more, other case and other spaces.
    let other = "skill name,NEW COLUMN,Current  Skill Mastery Level,Student SIS ID,Course Name,Student Name\r\n\
        Slope,kept,Mastered,0042,Algebra 1,\"Doe, Jané\"\r\n";
    let moved = school.exercises(skills(other)).await.unwrap();
    assert_eq!(moved.exercises[0].student, first.student);
    assert_eq!(moved.exercises[0].skill, "Slope");
    assert_eq!(moved.exercises[0].extra["NEW COLUMN"], "kept");
    assert!(school.sandbox.khan_academy().recorder().exchanges().is_empty(), "nothing leaves");
}

#[tokio::test]
async fn encodings_are_told_apart_or_refused() {
    let school = School::import().await;
    let latin: Vec<u8> = SKILLS.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let marked = [b"\xEF\xBB\xBF".as_slice(), SKILLS.as_bytes()].concat();
    for (bytes, encoding) in [
        (SKILLS.as_bytes().to_vec(), Encoding::Utf8),
        (marked, Encoding::Utf8),
        (latin.clone(), Encoding::Latin1),
        // 0x92 is an apostrophe in Windows-1252, and no letter in Latin-1.
        ([latin, b"O\x92Hara,0044,Algebra 1,Slope,Mastered,100\n".to_vec()].concat(), Encoding::Windows1252),
    ] {
        let read = school.exercises(Report::bytes(bytes).as_of("2026-11-24")).await.unwrap();
        assert_eq!(read.report.encoding, encoding);
        assert_eq!(read.exercises[0].student.name.as_deref(), Some("Doe, Jané"), "{encoding:?}");
        if encoding == Encoding::Windows1252 {
            assert_eq!(read.exercises[2].student.name.as_deref(), Some("O’Hara"));
        }
    }
    let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(SKILLS.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let error = school.exercises(Report::bytes(utf16).as_of("2026-11-24")).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("report.base64")));
    assert!(error.message().contains("UTF-16"), "{error}");
    let spoilt = String::from_utf8_lossy(b"Student Name,Course Name\nJos\xE9,x\n").into_owned();
    let error = school.exercises(skills(&spoilt)).await.unwrap_err();
    assert!(error.message().contains("wrong encoding"), "{error}");
}

#[tokio::test]
async fn a_renamed_column_is_named_and_can_be_mapped() {
    let school = School::import().await;
    let renamed = SKILLS.replace("Skill Name", "Learning Objective");
    let error = school.exercises(skills(&renamed)).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("report.text")));
    for words in ["'Skill Name'", "'Learning Objective'", "report.columns", "\"skill\""] {
        assert!(error.message().contains(words), "{words}: {error}");
    }
    let read = school.exercises(skills(&renamed).column("skill", "learning objective")).await.unwrap();
    assert_eq!(read.exercises[0].skill, "Slope");
    let error = school.exercises(skills(SKILLS).column("skill", "Nowhere")).await.unwrap_err();
    assert_eq!(error.field(), Some("report.columns.skill"));
    let error = school.exercises(skills(SKILLS).column("shoe", "Skill Name")).await.unwrap_err();
    assert_eq!(error.field(), Some("report.columns.shoe"));
    // A file without a header: its first line holds a student, who must not stand in an error.
    let error = school.exercises(skills(SKILLS.split_once('\n').unwrap().1)).await.unwrap_err();
    assert!(!error.to_string().contains("Doe") && error.message().contains("no header"), "{error}");
    // A district's report whose id column is renamed would be keyed by e-mail without a word: it is refused.
    let overview = "Student Name,Student Email,Student Number,Roster Status\nJane,j@x.example,1,Rostered\n";
    let error = school.refuse("importReport", json!({ "report": { "text": overview, "asOf": "2026-11-24" } })).await;
    assert!(error.message().contains("'Student SIS ID'"), "{error}");
    // So is any other kind, with the header that it has instead; who says what that is, is believed.
    let renamed = SKILLS.replace("Student SIS ID", "Learner ID");
    let error = school.exercises(skills(&renamed)).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("report.text")));
    assert!(error.message().contains("'Student SIS ID'") && error.message().contains("'Learner ID'"), "{error}");
    let read = school.exercises(skills(&renamed).column("sisId", "Learner ID")).await.unwrap();
    assert_eq!(read.report.columns["sisId"], "Learner ID");
    let read = school.exercises(skills(&renamed).column("sisId", "")).await.unwrap();
    assert!(!read.report.columns.contains_key("sisId"));
}

#[tokio::test]
async fn a_file_cut_anywhere_imports_nothing_or_says_that_it_is_open() {
    let school = School::import().await;
    let half = &SKILLS[..SKILLS.rfind("Slope").unwrap()];
    let error = school.exercises(skills(half)).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("report.text")));
    assert!(error.message().contains("line 3") && error.message().contains("cut off"), "{error}");
    let error = school.exercises(skills(&SKILLS[..SKILLS.find("John").unwrap()])).await.unwrap_err();
    assert!(error.message().contains("quoted cell that begins in line 3"), "{error}");
    let read = school.exercises(skills(&SKILLS[..SKILLS.len() - 2])).await.unwrap();
    assert!(read.report.open_end, "50 became 5, which nothing but the missing end of the line shows");
    assert!(!school.exercises(skills(SKILLS)).await.unwrap().report.open_end);
}

#[tokio::test]
async fn formulas_stay_text_and_repeated_lines_are_told() {
    let school = School::import().await;
    let text = "Student Name,Course Name,Skill Name,Current Skill Mastery Level,Skill Mastery Points\n\
        \"=HYPERLINK(\"\"https://evil.example\"\",\"\"x\"\")\",Algebra 1,Slope,Mastered,100\n\
        Jane,Algebra 1,Slope,Mastered,=2+2\n\
        Jane,Algebra 1,Lines,Mastered,100\n\
        Jane,Algebra 1,Lines,Mastered,100\n\
        Jane,Algebra 1,Lines,Familiar,50\n";
    let read = school.exercises(skills(text)).await.unwrap();
    assert_eq!(read.exercises[0].student.name.as_deref(), Some("'=HYPERLINK(\"https://evil.example\",\"x\")"));
    assert_eq!(
        (read.exercises[1].mastery_points, &read.exercises[1].extra["Skill Mastery Points"]),
        (None, &json!("'=2+2"))
    );
    let suspicious: Vec<_> = read.report.suspicious.iter().map(|s| (s.line, s.column.as_str())).collect();
    assert_eq!(suspicious, [(2, "Student Name"), (3, "Skill Mastery Points")]);
    let lines = |list: &[Repeated]| list.iter().map(|r| (r.line, r.same_as)).collect::<Vec<_>>();
    assert_eq!(lines(&read.report.duplicates), [(5, 4)]);
    assert_eq!(lines(&read.report.conflicts), [(6, 4)]);
    assert_eq!((read.exercises.len(), read.report.row_count), (4, 4));

    let error = school.exercises(skills(&SKILLS.replace(",50", ",half"))).await.unwrap_err();
    assert!(error.message().starts_with("line 3, column 'Skill Mastery Points'"), "{error}");
    assert!(!error.message().contains("half"), "the cell is not repeated");
}

#[tokio::test]
async fn a_file_with_semicolons_has_decimal_commas_and_a_formula_in_its_header() {
    let school = School::import().await;
    let file = |score: &str| {
        let text = format!("Student Name;Assignment Name;Score;=1+1\nJane Doe;Slope;{score};x\n");
        json!({ "report": { "text": text, "asOf": "2026-11-24" } })
    };
    for (score, read) in [("0,875", 0.875), ("12,345", 12.345), ("1.234,5", 1234.5)] {
        let answer = school.ask("importReport", file(score)).await;
        assert_eq!(answer["rows"][0]["numbers"]["score"], read, "{score}");
        assert_eq!(answer["report"]["suspicious"], json!([{ "line": 1, "column": "'=1+1" }]));
        assert_eq!(answer["rows"][0]["extra"], json!({ "'=1+1": "x" }));
    }
    let error = school.refuse("importReport", file("1.234")).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("report.text")));
    assert!(error.message().contains("line 2, column 'Score'") && error.message().contains("thousands"), "{error}");
}

#[tokio::test]
async fn each_kind_of_report_is_known_by_its_headers_or_its_name() {
    let school = School::import().await;
    let weeks = "Student Name,Student SIS ID,11/09/2026 - 11/15/2026,11/16/2026 - 11/22/2026\nJane,42,55%,\n";
    let report = Report::text(weeks).file_name("Springfield_MasteryProgressStudent_20261109_20261122.csv");
    let read = school.tenant.call(&school.admin, GetStudentProgress::new(report)).await.unwrap().output;
    assert_eq!((read.report.kind, read.report.as_of.as_str()), (ReportKind::Mastery, "2026-11-22"));
    let found: Vec<_> = read.students[0].weeks.iter().map(|week| (week.from.as_str(), week.value)).collect();
    assert_eq!(found, [("2026-11-09", Some(55.0)), ("2026-11-16", None)], "an empty week is not 0");

    let overview = "Student Name,Student Email,Student SIS ID,Roster Status,Class,Course,Total Learning Minutes\n\
        Jane,JANE@school.example,42,Rostered,Room 4,Algebra 1,\"1,035\"\n\
        John,john@school.example,43,Activated,Room 4,Algebra 1,20\n";
    let report = json!({ "text": overview, "asOf": "2026-11-24" });
    let rows = school.ask("importReport", json!({ "report": report })).await;
    assert_eq!(
        (&rows["report"]["kind"], &rows["rows"][0]["student"]["email"]),
        (&json!("overview"), &json!("jane@school.example"))
    );
    assert_eq!(rows["rows"][0]["numbers"]["minutes"], 1035.0);
    let dashboard = school.ask("getTeacherDashboard", json!({ "report": report })).await;
    let class = &dashboard["classes"][0];
    assert_eq!((&class["students"], &class["totalMinutes"]), (&json!(2), &json!(1055.0)));
    assert!(class.get("meanScore").is_none(), "what the report does not tell is absent: {class}");

    let badges = "Student Name,Badge Name,Date Earned\nJane,Great Listener,2026-11-01\n";
    let badges = school.ask("getBadges", json!({ "report": { "text": badges, "asOf": "2026-11-24" } })).await;
    assert_eq!(
        (&badges["badges"][0]["badge"], &badges["report"]["asOf"]),
        (&json!("Great Listener"), &json!("2026-11-24"))
    );
    let scores = "Student Name,Assignment Name,Score\nJane,Slope,90\nJohn,Slope,\n";
    let scores = school.ask("getAssignments", json!({ "report": { "text": scores, "asOf": "2026-11-24" } })).await;
    assert_eq!(scores["assignments"][0]["score"], 90.0);
    assert!(scores["assignments"][1].get("score").is_none(), "not done is not 0");

    let error = school.refuse("getBadges", json!({ "report": { "text": SKILLS, "asOf": "2026-11-24" } })).await;
    assert!(error.message().contains("'Badge Name'"), "{error}");
    for (report, field) in [
        (json!({ "text": SKILLS }), "report.asOf"),
        (json!({ "text": SKILLS, "asOf": "yesterday" }), "report.asOf"),
        (json!({ "asOf": "2026-11-24" }), "report.base64"),
        (json!({ "text": SKILLS, "base64": "QQ==", "asOf": "2026-11-24" }), "report.base64"),
        (json!({ "base64": "no base64!", "asOf": "2026-11-24" }), "report.base64"),
        (json!({ "text": SKILLS, "colour": "red" }), "report.colour"),
    ] {
        let error = school.refuse("importReport", json!({ "report": report })).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{error}");
    }
    let large = "Student Name\n".to_owned() + &"x".repeat(9 << 20);
    let error = school.refuse("importReport", json!({ "report": { "text": large, "asOf": "2026-11-24" } })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::TooLarge, Some("report.text")));
}

#[tokio::test]
async fn courses_come_from_a_catalogue_and_links_need_no_network() {
    let school = School::import().await;
    let text = "Course,Unit,URL\nAlgebra 1,Lines,https://www.khanacademy.org/math/algebra\n";
    let catalogue = school.ask("importCatalogue", json!({ "report": { "text": text, "asOf": "2026-09-01" } })).await;
    assert_eq!((&catalogue["items"][0]["unit"], &catalogue["asOf"]), (&json!("Lines"), &json!("2026-09-01")));
    for (kind, path, url) in [
        (ContentKind::Topic, vec!["math", "algebra"], "https://www.khanacademy.org/math/algebra"),
        (ContentKind::Exercise, vec!["math", "algebra", "slope"], "https://www.khanacademy.org/math/algebra/e/slope"),
        (ContentKind::Video, vec!["v1"], "https://www.khanacademy.org/v/v1"),
        (
            ContentKind::Search,
            vec!["linear & more"],
            "https://www.khanacademy.org/search?page_search_query=linear+%26+more",
        ),
    ] {
        let link = school.tenant.call(&school.admin, GetDeepLink::new(kind, path)).await.unwrap().output;
        assert_eq!(link.url, url);
    }
    for (path, field) in [
        (json!([]), "path"),
        (json!(["math", ".."]), "path[1]"),
        (json!(["a/b"]), "path[0]"),
        (json!(["a?b=c"]), "path[0]"),
    ] {
        let error = school.refuse("getDeepLink", json!({ "kind": "topic", "path": path })).await;
        assert_eq!(error.field(), Some(field));
    }
}

#[tokio::test]
async fn without_an_address_each_operation_of_the_api_says_when_it_was_withdrawn() {
    let school = School::import().await;
    for (operation, arguments) in [
        ("getUser", json!({})),
        ("listStudents", json!({})),
        ("getProgressSummary", json!({})),
        ("listUserVideos", json!({})),
        ("listUserExercises", json!({})),
        ("getUserExercise", json!({ "exercise": EXERCISE })),
        ("getExerciseLog", json!({ "exercise": EXERCISE })),
        ("listBadges", json!({})),
        ("listBadgeCategories", json!({})),
        ("getTopicTree", json!({})),
        ("getTopic", json!({ "slug": "math" })),
        ("listTopicExercises", json!({ "slug": "math" })),
        ("listTopicVideos", json!({ "slug": "math" })),
        ("getExercise", json!({ "exercise": EXERCISE })),
        ("getVideo", json!({ "id": "v" })),
    ] {
        let error = school.refuse(operation, arguments).await;
        assert_eq!(error.code(), ErrorCode::UnsupportedOperation, "{operation}: {error}");
        for words in ["2020-01-06", "2020-07-29", "Import the reports", "base_url"] {
            assert!(error.message().contains(words), "{operation}: {error}");
        }
    }
    let health = school.tenant.health(&school.admin, "khan_academy").await.unwrap();
    assert_eq!(health.status, HealthStatus::NotConfigured);
    let message = health.message.unwrap();
    assert!(message.contains("2020-07-29") && message.contains("Import the reports"), "{message}");

    // A school that has never entered any settings is told the same, not to look for a key.
    let other = school.manager.tenant("no-settings").unwrap();
    let report =
        json!({ "report": { "asOf": "2026-11-24", "text": "Student Name,Badge Name\nJane,Great Listener\n" } });
    let error = other.execute(&school.admin, "khan_academy", "getBadges", report).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    let health = other.health(&school.admin, "khan_academy").await.unwrap();
    assert_eq!(health.status, HealthStatus::NotConfigured);
    for message in [error.message(), health.message.as_deref().unwrap()] {
        for words in ["2020-07-29", "are imported", "{}"] {
            assert!(message.contains(words), "{message}");
        }
    }
    let config = KhanAcademyConfig::at("https://www.khanacademy.org".parse().unwrap());
    let error = school.tenant.configure(&school.admin, config).await.unwrap_err();
    assert!(error.message().contains("2020-07-29"), "{error}");
}

#[tokio::test]
async fn a_coach_reads_her_students() {
    let school = School::open().await;
    let (call, admin) = (&school.tenant, &school.admin);
    let check = call.call(admin, CheckConnection::new()).await.unwrap();
    assert_eq!((check.authenticated, check.user_id.as_deref()), (true, Some(COACH_ID)));
    assert_eq!(call.health(admin, "khan_academy").await.unwrap().status, HealthStatus::Healthy);
    let student = || Learner::UserId(STUDENT_ID.to_owned());
    for learner in [student(), Learner::Email("jane@school.example".into()), Learner::Username("jane.doe".into())] {
        let user = call.call(admin, GetUser::new().student(learner)).await.unwrap();
        assert_eq!((user.user_id.as_str(), user.points), (STUDENT_ID, Some(450)));
        assert_eq!((&user.badge_counts.as_ref().unwrap()["0"], &user.extra["kind"]), (&json!(1), &json!("UserData")));
    }
    assert_eq!(call.call(admin, ListStudents::new()).await.unwrap().students.len(), 2);
    let summary = call.call(admin, GetProgressSummary::new().student(student())).await.unwrap();
    assert_eq!(
        (summary.complete.as_slice(), summary.started.as_slice()),
        (&["eaddition_1".to_owned()][..], &["esubtraction_1".to_owned()][..])
    );

    let school_day = school.sandbox.khan_academy();
    for correct in [true, true, false, true] {
        school_day.do_problem(STUDENT_ID, "subtraction_1", correct);
    }
    let exercise = call.call(admin, GetUserExercise::new("subtraction_1").student(student())).await.unwrap();
    assert_eq!((exercise.total_done, exercise.total_correct, exercise.streak), (Some(5), Some(3), Some(1)));
    assert_eq!((exercise.longest_streak, exercise.mastered), (Some(2), Some(false)));
    let exercises = call.call(admin, ListUserExercises::new().student(student())).await.unwrap();
    assert_eq!(exercises.exercises.len(), 2);
    let log = GetExerciseLog::new(EXERCISE).student(student());
    assert_eq!(call.call(admin, log.clone()).await.unwrap().problems.len(), 6);
    let log = log.between("2019-10-01T03:20:30Z", "2019-10-01T03:22:00+00:00");
    assert_eq!(call.call(admin, log).await.unwrap().problems.len(), 1, "a + and a : in the query are signed right");
    let videos = school.ask("listUserVideos", json!({ "student": { "userId": STUDENT_ID } })).await;
    assert_eq!(
        (&videos["videos"][0]["completed"], &videos["videos"][0]["lastWatched"]),
        (&json!(true), &json!("2019-10-01T08:00:00Z"))
    );

    school_day.award(STUDENT_ID, "hangtenbadge");
    let badges = call.call(admin, ListBadges::new().student(student())).await.unwrap().output.badges;
    let owned: Vec<_> = badges.iter().filter(|badge| badge.is_owned == Some(true)).map(|badge| &badge.name).collect();
    assert_eq!(owned, ["greatlistenerbadge", "hangtenbadge"]);
    assert_eq!(call.call(admin, ListBadgeCategories::new()).await.unwrap().categories.len(), 6);

    let tree = call.call(admin, GetTopicTree::new()).await.unwrap().output;
    assert_eq!(tree.children[0].children[0].children.len(), 3);
    let topics = call.call(admin, GetTopicTree::new().topics_only()).await.unwrap().output;
    assert!(topics.children[0].children[0].children.is_empty());
    assert_eq!(call.call(admin, GetTopic::new("early-math")).await.unwrap().title.as_deref(), Some("Early math"));
    let listed = call.call(admin, ListTopicExercises::new("early-math")).await.unwrap();
    assert_eq!(listed.exercises[1].prerequisites, ["addition_1"]);
    let video = call.call(admin, ListTopicVideos::new("early-math")).await.unwrap().output.videos.remove(0);
    assert_eq!(video.duration, Some(102));
    assert!(call.call(admin, GetExercise::new(EXERCISE)).await.unwrap().display_name.is_some());
    assert_eq!(call.call(admin, GetVideo::new("counting-with-small-numbers")).await.unwrap().id, video.id);

    for (operation, arguments) in [
        ("getUser", json!({ "student": { "userId": "kaid_9" } })),
        ("getTopic", json!({ "slug": "no such" })),
        ("getUserExercise", json!({ "exercise": "no_such" })),
        ("getExercise", json!({ "exercise": "a/../b" })),
    ] {
        assert_eq!(school.refuse(operation, arguments).await.code(), ErrorCode::NotFound, "{operation}");
    }
    for (operation, arguments, field) in [
        ("getUser", json!({ "student": { "email": "no address" } }), "student.email"),
        ("getUser", json!({ "student": { "userId": "" } }), "student.userId"),
        ("getTopic", json!({ "slug": ".." }), "slug"),
        ("getExerciseLog", json!({ "exercise": EXERCISE, "from": "soon" }), "from"),
        (
            "getExerciseLog",
            json!({ "exercise": EXERCISE, "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z" }),
            "to",
        ),
    ] {
        let error = school.refuse(operation, arguments).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{error}");
    }
}

#[tokio::test]
async fn credentials_of_each_kind_and_what_becomes_of_wrong_ones() {
    let school = School::open().await;
    school.configure(school.at().bearer(BEARER_TOKEN)).await;
    assert_eq!(school.ask("getUser", json!({})).await["userId"], COACH_ID);
    // Without credentials: what is public.
    school.configure(school.at()).await;
    assert_eq!(school.ask("checkConnection", json!({})).await, json!({ "authenticated": false }));
    assert!(school.ask("listBadges", json!({})).await["badges"][0].get("isOwned").is_none());
    assert_eq!(school.refuse("getUser", json!({})).await.code(), ErrorCode::NeedsReconnect);

    let secrets = ["w-consumer-s3cret", "w-token-s3cret", "w-token"];
    for (config, message) in [
        (school.at().oauth(CONSUMER_KEY, secrets[0], OAUTH_TOKEN, OAUTH_TOKEN_SECRET), "invalid signature"),
        (school.at().oauth(CONSUMER_KEY, CONSUMER_SECRET, OAUTH_TOKEN, secrets[1]), "invalid signature"),
        (school.at().oauth(CONSUMER_KEY, CONSUMER_SECRET, secrets[2], OAUTH_TOKEN_SECRET), "invalid access token"),
        (school.at().oauth("another", CONSUMER_SECRET, OAUTH_TOKEN, OAUTH_TOKEN_SECRET), "invalid consumer"),
        (school.at().bearer("w-token"), "invalid access token"),
    ] {
        school.configure(config).await;
        let error = school.refuse("getUser", json!({})).await;
        assert_eq!(error.code(), ErrorCode::NeedsReconnect, "{error}");
        assert_eq!(error.vendor().unwrap().message.as_deref(), Some(message));
        // The look-alike tells in its answer what it had expected to be signed, as v1 did.
        let shown = format!("{error} {error:?} {error:#?} {}", error.to_json());
        for secret in secrets.into_iter().chain([CONSUMER_SECRET, OAUTH_TOKEN, OAUTH_TOKEN_SECRET, "oauth_nonce"]) {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
    school.configure(school.at().bearer(BEARER_TOKEN)).await;
    school.sandbox.khan_academy().revoke();
    assert_eq!(school.refuse("getUser", json!({})).await.code(), ErrorCode::NeedsReconnect);
}

#[tokio::test]
async fn a_repeat_is_signed_anew() {
    let school = School::open().await;
    // Processed, and then answered with 500: the nonce is used up, and the repeat needs one of its own.
    school.sandbox.khan_academy().faults().add(Rule::next(1, Fault::StatusAfter { status: 500 }));
    let reply = school.tenant.call(&school.admin, GetUser::new()).await.unwrap();
    assert_eq!(reply.user_id, COACH_ID);
    assert_eq!(school.sandbox.khan_academy().recorder().exchanges().len(), 2);
}

/// Two implementations that share no code agree on what is signed, whatever stands in path and query.
#[tokio::test]
async fn any_text_is_signed_right() {
    let school = School::open().await;
    for text in ["a b", "a+b", "100%", "%2B%252b", "é&=~*'()!,;:@/?#[]", "日本", "\"quoted\"", "a=1&userId=kaid_1"] {
        let error = school.refuse("getUser", json!({ "student": { "username": text } })).await;
        assert_eq!(error.code(), ErrorCode::NotFound, "{text}: {error}");
        let error = school.refuse("getUserExercise", json!({ "exercise": text })).await;
        assert_eq!(error.code(), ErrorCode::NotFound, "{text}: {error}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_from_a_wrong_secret() {
    let school = School::open().await;
    school.sandbox.clock().advance(std::time::Duration::from_secs(600));
    let error = school.refuse("getUser", json!({})).await;
    assert_eq!(error.code(), ErrorCode::Vendor, "{error}");
    assert!(error.message().contains("clocks"), "{error}");
    assert_eq!(error.vendor().unwrap().message.as_deref(), Some("expired timestamp"));
}

/// The look-alike itself refuses a request that is sent twice as it was; signed here, step by step.
#[tokio::test]
async fn a_replay_is_refused() {
    use base64::Engine;
    use hmac::{Hmac, KeyInit, Mac};

    let school = School::import().await;
    const RESERVED: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, &RESERVED).to_string();
    let url = format!("{}/api/v1/user", school.sandbox.url("khan_academy"));
    let seconds = school.sandbox.clock().now() / 1000;
    let signed = format!(
        "oauth_consumer_key={CONSUMER_KEY}&oauth_nonce=n1&oauth_signature_method=HMAC-SHA1&oauth_timestamp={seconds}\
         &oauth_token={OAUTH_TOKEN}"
    );
    let base = format!("GET&{}&{}", encode(&url), encode(&signed));
    let key = format!("{}&{}", encode(CONSUMER_SECRET), encode(OAUTH_TOKEN_SECRET));
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(base.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let fields = format!("{signed}&oauth_signature={}", encode(&signature)).replace('&', "\", ").replace('=', "=\"");
    let header = format!("OAuth {fields}\"");
    let send = || reqwest::Client::new().get(&url).header("authorization", &header).send();
    assert_eq!(send().await.unwrap().status(), 200);
    let again = send().await.unwrap();
    assert_eq!(again.status(), 401);
    assert!(again.text().await.unwrap().starts_with("OAuth error. Nonce already used"));
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_error_and_never_an_empty_list() {
    let school = School::open().await;
    for fault in [Fault::Truncate, Fault::Html { status: 200 }, Fault::WrongType { field: "user_id".into() }] {
        school.sandbox.khan_academy().faults().clear();
        school.sandbox.khan_academy().faults().add(Rule::next(5, fault.clone()));
        let error = school.refuse("listStudents", json!({})).await;
        assert!(
            matches!(error.code(), ErrorCode::InvalidResponse | ErrorCode::VendorUnavailable),
            "{}: {error}",
            fault.kind()
        );
    }
    school.sandbox.khan_academy().faults().clear();
    school.sandbox.khan_academy().faults().add(Rule::next(9, Fault::too_many(Some(60))));
    let call = school.tenant.request(&school.admin).deadline(std::time::Duration::from_secs(2));
    let error = call.execute("khan_academy", "listStudents", json!({})).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::RateLimited);
}
