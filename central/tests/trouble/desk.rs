//! Where a person acts: on the database, as the console does.

use bytes::Bytes;
use preau::{
    model::Uai,
    protocol::{Token, line::What},
    system::clock::Clock,
};
use preau_central::{
    authority::{Authority, By},
    channel::Channel,
    database::{Database, Location},
    fleet::{
        observed, orders,
        policy::{self, Edit, Lists, Plan, Published, Release, TwoPersons},
        schools::{self, School},
    },
    service,
    words::{Actor, DepartementCode, Grant, Granted, PersonId, Place, Right},
};

use crate::{LONG, central::Central};

/// A desk.
pub(crate) struct Desk {
    pub(crate) clock: Clock,
    pub(crate) database: Database,
    pub(crate) channel: Channel,
    pub(crate) authority: Authority,
}

impl Desk {
    pub(crate) async fn at(central: &Central) -> Self {
        let clock = Clock::of_the_machine();
        let dir = central.dir.path();
        let location = Location::read(&central.database, dir).unwrap();
        let database = Database::open(&location, service::PARTS).await.unwrap();
        let (keys, bucket) = (dir.join("keys"), central.bucket.clone());
        let channel = Channel::open(database.clone(), bucket, &keys, clock.clone()).await.unwrap();
        let url = format!("https://central.example:{}", central.port).parse().unwrap();
        let root: Bytes = channel.first_root();
        let authority = Authority::open(database.clone(), &keys, &url, root, clock.clone()).await.unwrap();
        Self { clock, database, channel, authority }
    }

    /// Enters these schools, all in one département, and gives a token for each.
    pub(crate) async fn enter(&self, numbers: std::ops::Range<usize>) -> Vec<Token> {
        let mut write = self.database.write().await.unwrap();
        let mut tokens = Vec::new();
        for number in numbers {
            let uai = uai(number);
            let departement = DepartementCode::new("80").unwrap();
            let (name, kind, town) = (format!("Collège {number}"), String::new(), String::new());
            let school = School { uai: uai.clone(), name, kind, town, departement };
            schools::enter(&mut write, &school).await.unwrap();
            Channel::add_school(&mut write, &uai).await.unwrap();
            tokens.push(self.authority.give_token(&mut write, By::Central, &uai).await.unwrap());
        }
        write.commit().await.unwrap();
        tokens
    }

    /// A token for a school that is entered and has no box.
    pub(crate) async fn token(&self, school: &Uai) -> Token {
        let mut write = self.database.write().await.unwrap();
        let token = self.authority.give_token(&mut write, By::Central, school).await.unwrap();
        write.commit().await.unwrap();
        token
    }

    /// Publishes rules that block `site` in the whole département, and starts to bring them to its schools.
    pub(crate) async fn release(&self, site: &str, plan: &Plan) -> Release {
        let place = Place::Departement(DepartementCode::new("80").unwrap());
        let (writer, publisher) = (granted(Right::Write, &place), granted(Right::Publish, &place));
        let now = self.clock.now();
        let text = format!(
            "version = 1\nlevel = \"departement\"\nname = \"Somme\"\n[[rule]]\nid = \"essai\"\neffect = \"block\"\n\
            reason = \"motif\"\nsites = [\"{site}\"]\n"
        );
        let mut write = self.database.write().await.unwrap();
        let draft = policy::begin(&mut write, &writer, &place, None, "Somme", now).await.unwrap();
        let edit = Edit::Text(text);
        let draft = policy::edit(&mut write, &writer, draft.id, draft.revision, &edit, now).await.unwrap();
        let by = (&TwoPersons::default(), &Lists::none());
        let draft = (draft.id, draft.revision);
        let published = policy::publish(&mut write, &publisher, draft, "essai", by, now).await.unwrap();
        let Published::Version(version) = published else { panic!("it waits for a second person") };
        let versions = [(place, version.number)];
        let release = policy::start(&mut write, &[publisher], &versions, plan, "essai", now).await.unwrap();
        write.commit().await.unwrap();
        release
    }

    /// Gives an order, and returns its number.
    pub(crate) async fn order(&self, school: &Uai) -> u64 {
        let now = self.clock.now();
        let granted = granted(Right::Order, &Place::Academie);
        let mut write = self.database.write().await.unwrap();
        let number = orders::give(&mut write, &granted, school, What::Diagnose {}, now, now + LONG * 60)
            .await
            .unwrap();
        write.commit().await.unwrap();
        number
    }

    /// The number of the rules that a school says it has.
    pub(crate) async fn policy_seen(&self, school: &Uai) -> u64 {
        let seen = observed::latest(&self.database, school).await.unwrap();
        seen.map_or(0, |seen| seen.report.in_force.policy)
    }
}

/// The code of a school.
pub(crate) fn uai(number: usize) -> Uai {
    Uai::new(&format!("{number:07}Z")).unwrap()
}

fn granted(right: Right, place: &Place) -> Granted {
    let grants = vec![Grant { right, place: Place::Academie }];
    let actor = Actor { id: PersonId(1), name: "Camille Exemple".into(), grants };
    actor.may(right, place, &[Place::Academie]).unwrap()
}
