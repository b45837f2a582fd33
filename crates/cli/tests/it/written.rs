//! What people write: lists that they keep in the project folder, and values that are hardly meant.

use snapbox::str;

use crate::definitions::said;
use crate::world::{World, small};

#[test]
fn a_name_outside_the_agreed_list_is_a_warning_with_the_nearest_name() {
    let world = World::new();
    world
        .write("root_causes.yaml", "- Capacity\n- Configuration change\n")
        .write(
            "incidents/a.yaml",
            "- incident_name: A\n  root_causes: [Capacity]\n- incident_name: B\n  root_causes: [Capasity, Weather]\n",
        );
    let run = world.run_on_disk(&["load"]);
    run.exits(0);
    snapbox::assert_data_eq!(
        said(&run),
        str![[r#"
loaded incidents                2 records from 1 file
warning[record-odd]: `Capasity` is not in the agreed list; did you mean `Capacity`?
  --> incidents/a.yaml:3
warning[record-odd]: `Weather` is not in the agreed list
  --> incidents/a.yaml:3
2 records from 1 file are in reliability.db

"#]]
    );
    // The name is loaded all the same.
    assert_eq!(
        world.rows("select root_cause from RootCauses order by 1"),
        ["Capacity", "Capasity", "Weather"]
    );
    assert_eq!(world.rows("select count(*) from _warnings"), ["2"]);
    // A name more in the list, and it is agreed.
    world.write("root_causes.yaml", "- Capacity\n- Capasity\n- Weather\n");
    world
        .run_on_disk(&["load"])
        .exits(0)
        .does_not_say("warning");
    assert_eq!(world.rows("select count(*) from _warnings"), ["0"]);
    // A list that is none stops everything.
    world.write("root_causes.yaml", "Capacity: yes\n");
    world
        .run_on_disk(&["load"])
        .exits(2)
        .says(&["root_causes.yaml:1", "expected a list of names"]);
}

#[test]
fn times_that_are_hardly_meant_are_warnings_and_kept() {
    let world = World::new();
    world.write(
        "incidents/a.yaml",
        "- incident_name: A
  incident_date: 0226-01-05
  stats:
    time_of_first_trigger: 2026-01-05 10:00
    time_of_recovery: 2026-01-05 09:59
- incident_name: B
  stats:
    time_of_first_trigger: 2999-01-05 10:00
- incident_name: C
  incident_date: 2026-01-05
  stats:
    time_of_first_trigger: 1990-01-01 00:00
    time_of_recovery: 1990-01-01 00:00
",
    );
    let run = world.run_on_disk(&["load"]);
    run.exits(0);
    snapbox::assert_data_eq!(
        said(&run),
        str![[r#"
loaded incidents                3 records from 1 file
warning[record-odd]: `incident_date`: `0226-01-05` lies before 1990
  --> incidents/a.yaml:1
warning[record-odd]: `recovered_at`: `2026-01-05T09:59:00Z` is before `first_triggered_at`, `2026-01-05T10:00:00Z`
  --> incidents/a.yaml:1
warning[record-odd]: `first_triggered_at`: `2999-01-05T10:00:00Z` lies ahead
  --> incidents/a.yaml:6
3 records from 1 file are in reliability.db

"#]]
    );
}

#[test]
fn a_list_that_people_keep_in_the_project_folder_is_loaded() {
    let world = small();
    world.write(
        "product_services.yaml",
        "- {product: Cart, service: cart}\n- {product: Cart}\n",
    );
    world
        .run_on_disk(&["load"])
        .exits(1)
        .says(&["product_services.yaml:2", "`ProductServices.service`"]);
    let pairs = "select product || '/' || service from ProductServices order by 1";
    assert_eq!(world.rows(pairs), ["Cart/cart"]);
    world.write(
        "product_services.yaml",
        "- {product: Cart, service: basket}\n",
    );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(pairs), ["Cart/basket"]);
}
