"""Scenario files: error messages, scenarios that override the base, relative paths, input files."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stmgpu.debris.policy import RiskRemoval
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.study.scenario_file import input_files, read_study, shipped_scenarios, study_from_settings
from stmgpu.errors import InputError


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Any]:
    def read(text: str) -> Study:
        file = tmp_path / "study.toml"
        file.write_text(text, encoding="utf-8")
        return read_study(file)

    return read


@pytest.mark.parametrize("text", ["", " \n\n", "# years = 3\n"])
def test_a_file_that_sets_nothing_is_a_mistake(read: Callable[..., Any], text: str) -> None:
    with pytest.raises(InputError, match=r"study\.toml sets no key; for a study of the defaults write one of them"):
        read(text)


@pytest.mark.parametrize("text", ["years = 100.0", "[population]", "[[scenario]]\nname = 'base'"])
def test_one_key_is_one_scenario_of_defaults(read: Callable[..., Any], text: str) -> None:
    study = read(text)
    assert study.scenarios == (Scenario(),)
    assert (study.years, study.runs) == (100.0, 20)
    assert study.scenarios[0].removal == ()


UNKNOWN = [
    ("speed = 3", "speed"),
    ("[population]\nsourse = 'synthetic'", "population.sourse"),
    ("[environment.solar]\nf10 = 100", "environment.solar.f10"),
    ("[environment]\nsolar = { F107 = 100 }", "environment.solar.F107"),
    ("[collisions]\ncube = 10", "collisions.cube"),
    (
        "[[launches.constellations]]\nname = 'a'\naltitude_km = 550\ninclination_deg = 53\nplanes = 2\nper_plane = 2\n"
        "mass_kg = 1\nradius_m = 1\nfrom_year = 2030\nslots = 3",
        "launches.constellations.1.slots",
    ),
    ("[[removal]]\nrank = 'mass'\nper_year = 5\nperyear = 5", "removal.1.peryear"),
    ("[[removal]]\nrank = 'mass'\nper_year = 5\nonly = { inclination = [81, 84] }", "removal.1.only.inclination"),
    ("[[scenario]]\nname = 'a'\n[scenario.disposal]\nrule = 5", "disposal.rule"),
]


@pytest.mark.parametrize(("text", "key"), UNKNOWN)
def test_unknown_keys_are_named(read: Callable[..., Any], text: str, key: str) -> None:
    with pytest.raises(InputError, match=f"study.toml: .*unknown key {key}"):
        read(text)


IMPOSSIBLE = [
    ("years = 0", "years"),
    ("years = inf", "years"),
    ("runs = 0", "runs"),
    ("runs = 2.5", "runs"),
    ("max_objects = 10", "max_objects"),
    ("[population]\nsource = 'oracle'", "population.source"),
    ("[population]\nobjects = 1", "population.objects"),
    ("[population]\nyear = 1900", "population.year"),
    ("[population]\nmin_length_m = 0", "population.min_length_m"),
    ("[population]\nsource = 'mocat'", "needs path"),
    ("[population]\npath = 'a.mat'", "takes no path"),
    ("[population]\nballistic = 'fitted'", "belongs to the sources 'mocat', 'table' and 'catalog'"),
    ("[population]\nsource = 'mocat'\npath = 'a.mat'\nballistic = 'fitted'", "needs histories"),
    ("[population]\nsource = 'mocat'\npath = 'a.mat'\nhistories = ['b.mat']", "belong to ballistic = 'fitted'"),
    (
        "[population]\nsource = 'mocat'\npath = 'a.mat'\nballistic = 'fitted'\nhistories = ['b.mat']",
        "needs the Sun as it was observed",
    ),
    ("[environment]\ndensity = 'jb2008'", "needs path"),
    ("[environment]\nco2 = 'co2.nc'", "go together"),
    ("[environment]\nco2_scenario = 'RCP9.9'", "co2_scenario = 'RCP9.9' is not built in"),
    ("[environment.solar]\nf107 = 50", "environment.solar.f107"),
    ("[environment.solar]\nf107 = nan", "environment.solar.f107"),
    ("[environment.solar]\nf107 = 100\namplitude = 60", "lower than the Sun has been"),
    ("[environment.solar]\nmodel = 'bootstrap'", "needs space_weather"),
    ("[propagation]\nstep_days = 0", "propagation.step_days"),
    ("[propagation]\nstep_days = 31", "propagation.step_days"),
    ("[propagation]\ndecay_km = 50", "propagation.decay_km"),
    ("[propagation]\ndrag_coefficient = -2.2", "propagation.drag_coefficient"),
    ("[collisions]\ncube_km = 0", "collisions.cube_km"),
    ("[collisions]\nresamples = 0", "collisions.resamples"),
    ("[collisions]\nresamples = 'many'", "collisions.resamples"),
    ("[collisions]\nestimator = 'guessed'", "collisions.estimator"),
    ("[collisions]\navoidance = 1.5", "collisions.avoidance"),
    ("[breakups]\nmin_length_m = 0.0001", "breakups.min_length_m"),
    ("[launches]\nmodel = 'repeat'", "needs window"),
    ("[launches]\nwindow = [2022, 2014]", "is empty"),
    ("[launches]\nwindow = [2014]", "launches.window"),
    ("[launches]\ngrowth = 3.0", "launches.growth"),
    ("[explosions]\nrocket_body = 2", "explosions.rocket_body"),
    ("[disposal]\npayload = -0.1", "disposal.payload"),
    ("[disposal]\npayload = nan", "disposal.payload"),
    ("[disposal]\nrule_years = 0", "disposal.rule_years"),
    ("[[removal]]\nrank = 'mass'\nper_year = -5", "removal.1.per_year"),
    ("[[removal]]\nrank = 'mass'", "removal.1.per_year"),
    ("[[removal]]\nrank = 'beauty'\nper_year = 5", "unknown rank 'beauty'"),
    ("[[removal]]\nper_year = 5", "a policy must be a table with rank"),
    ("removal = 5", "removal"),
    ("[removal]\nrank = 'mass'\nper_year = 5", r"removal is a list of tables; write \[\[removal\]\]"),
    ("[launches]\nconstellations = { name = 'a' }", r"write \[\[launches.constellations\]\]"),
    ("[[scenario]]\n[scenario.removal]\nrank = 'mass'", r"scenario number 1: removal .* \[\[scenario.removal\]\]"),
    ("collisions = 5", "collisions"),
]


@pytest.mark.parametrize(("text", "said"), IMPOSSIBLE)
def test_impossible_values_are_named(read: Callable[..., Any], text: str, said: str) -> None:
    with pytest.raises(InputError, match=f"study.toml: .*{said}") as caught:
        read(text)
    assert "Input should" not in str(caught.value)
    assert "another value" not in str(caught.value)


def test_the_value_is_said(read: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match=r"disposal\.payload is 90; allowed: 1 or less$"):
        read("[disposal]\npayload = 90")


def test_all_mistakes_are_said_but_not_without_end(read: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match=r"disposal\.payload is 2.*; unknown key one.*; unknown key two"):
        read("one = 1\ntwo = 2\n[disposal]\npayload = 2")
    with pytest.raises(InputError, match="and 5 more"):
        read("\n".join(f"key{k} = 1" for k in range(55)))


def test_faults_of_all_scenarios_are_said_at_once(read: Callable[..., Any]) -> None:
    with pytest.raises(InputError) as caught:
        read("""
years = 0
speed = 3
[disposal]
payload = 2.0
[[scenario]]
name = "a"
[scenario.collisions]
estimator = "guessed"
[[scenario]]
name = "a"
[[scenario.events]]
year = 2025.0
ids = []
""")
    message = str(caught.value)
    for said in (
        "; disposal.payload is 2.0; allowed: 1 or less;",
        "scenario 'a': collisions.estimator is 'guessed'; allowed: 'sampled', 'expected', 'none';",
        "unknown key speed (allowed: name, population",
        "scenario 'a': events.1.ids is []; allowed: a list of 1 or more entries;",
        "; years is 0; allowed: more than 0;",
        "; the names of scenarios repeat (a, a); give each [[scenario]] its own name",
    ):
        assert message.count(said) == 1, said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[population]\nobjects = 1.5", "population.objects is 1.5; allowed: a whole number"),
        ("[population]\nconstellations = 'yes'", "population.constellations is 'yes'; allowed: true or false"),
        ("[population]\npath = 3", "population.path is 3; allowed: the name of a file"),
        ("[disposal]\npayload = 'x'", "disposal.payload is 'x'; allowed: a number"),
        ("[disposal]\nrule_years = inf", "disposal.rule_years is inf; allowed: a finite number"),
        (
            "[launches]\nwindow = [1990, 1991, 1992]",
            "launches.window is [1990, 1991, 1992]; allowed: a list of 2 or fewer",
        ),
        (
            "[launches]\nper_year = { cubesat = 3 }",
            "unknown key launches.per_year.cubesat (allowed: payload, rocket_body, mission_related)",
        ),
        ("name = ''", "name is ''; allowed: a text of 1 or more characters"),
        ("name = 3", "name is 3; allowed: a text"),
        ("collisions = 5", "collisions is 5; allowed: a table"),
        ("removal = 5", "removal is 5; allowed: a list"),
        ("[population]\nsource = 'oracle'", "allowed: 'synthetic', 'mocat', 'table', 'catalog', 'cascade'"),
    ],
)
def test_every_fault_names_key_value_and_what_is_allowed(read: Callable[..., Any], text: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        read(text)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scenario file .*none\.toml. cannot be read: No such file"):
        read_study(tmp_path / "none.toml")
    with pytest.raises(InputError, match=r"scenario file .* cannot be read"):
        read_study(tmp_path)
    (tmp_path / "a.toml").write_text("years = = 3", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.toml is not TOML: .*line 1"):
        read_study(tmp_path / "a.toml")
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbfyears = 3")
    assert read_study(tmp_path / "bom.toml").years == 3.0
    (tmp_path / "b.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(InputError, match=r"b\.toml is not TOML: it is not UTF-8"):
        read_study(tmp_path / "b.toml")


BASE = """
years = 50
runs = 3
[disposal]
payload = 0.5
rule_years = 25
[environment]
density = "nrlmsis"
solar = { f107 = 130, amplitude = 40 }
[[removal]]
rank = "risk"
per_year = 5
"""


def test_scenarios_are_laid_over_the_base(read: Callable[..., Any]) -> None:
    study = read(
        BASE
        + """
[[scenario]]
name = "base"
[[scenario]]
name = "strict"
disposal = { payload = 0.95 }
environment = { solar = { amplitude = 20 } }
[[scenario]]
name = "two"
removal = [{ rank = "mass", per_year = 2 }, { rank = "csi", per_year = 1 }]
[[scenario]]
name = "none"
removal = []
"""
    )
    base, strict, two, none = study.scenarios
    assert (study.years, study.runs) == (50.0, 3)
    assert strict.disposal == base.disposal.model_copy(update={"payload": 0.95})
    assert strict.environment.solar == base.environment.solar.model_copy(update={"amplitude": 20.0})
    assert base.environment.solar.f107 == 130.0
    assert strict.removal == base.removal == (RiskRemoval(per_year=5),)
    assert [p.rank for p in two.removal] == ["mass", "csi"]
    assert none.removal == ()


def test_a_scenario_may_not_change_years_or_runs(read: Callable[..., Any]) -> None:
    # they belong to the study: scenarios are compared run by run
    with pytest.raises(InputError, match="scenario 'a': unknown key years: move it to the base"):
        read("[[scenario]]\nname = 'a'\nyears = 10")
    with pytest.raises(InputError, match=r"unknown key year \(allowed: name, .*, max_objects\)$"):
        read("[[scenario]]\nname = 'a'\nyear = 10")
    with pytest.raises(InputError, match=r"unknown key year \(allowed: name, .*, years, runs\)$"):
        read("year = 10\n[[scenario]]\nname = 'a'")


def test_a_mistake_is_told_with_its_scenario(read: Callable[..., Any]) -> None:
    good, bad = "[[scenario]]\nname = 'a'\n", "[[scenario]]\nname = 'b'\nenvironment = { solar = { f107 = 400 } }\n"
    removal = "[[scenario.removal]]\nrank = 'mass'\nper_year = {}\n"
    with pytest.raises(InputError, match=r"toml: scenario 'b': environment.solar.f107 .*; scenario 'b': removal.2.p"):
        read(good + bad + removal.format(5) + removal.format("'x'"))
    # what the base states is not the scenario's, though both change the same table
    with pytest.raises(
        InputError, match=r"toml: scenario 'b': .* is 400; allowed: 300 or less; environment.solar.ap is 500;"
    ):
        read("environment = { solar = { ap = 500 } }\n" + bad)


SWITCHED = [
    ("[environment]\ndensity = 'jb2008'\npath = 'jb.mat'", "environment = { density = 'nrlmsis' }"),
    (
        "[environment.solar]\nmodel = 'bootstrap'\nspace_weather = 'sw.txt'",
        "environment = { solar = { model = 'sinusoid' } }",
    ),
    (
        "[launches]\nmodel = 'constant'\nwindow = [2010, 2020]\nper_year = { payload = 5.0 }",
        "launches = { model = 'repeat' }",
    ),
    ("[population]\nsource = 'catalog'\npath = 'gp.tle'\nsizes = 's.csv'", "population = { source = 'synthetic' }"),
    ("[population]\nobjects = 600\nconstellations = false", "population = { source = 'mocat', path = '2020.mat' }"),
]


@pytest.mark.parametrize(("base", "change"), SWITCHED)
def test_a_scenario_switches_off_what_the_base_states(read: Callable[..., Any], base: str, change: str) -> None:
    kept, switched = read(f"{base}\n[[scenario]]\nname = 'a'\n[[scenario]]\nname = 'b'\n{change}").scenarios
    assert switched == read(
        change.replace("}", ", window = [2010, 2020] }") if "launches" in change else change
    ).scenarios[0].model_copy(update={"name": "b"})
    assert kept.model_copy(update={"name": "base"}) == read(base).scenarios[0]


def test_what_a_scenario_states_itself_stays_and_so_does_what_still_goes_with_it(read: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="scenario 'a': environment: path belongs to density = 'jb2008'"):
        read(
            "environment = { density = 'jb2008', path = 'jb.mat' }\n[[scenario]]\nname = 'a'\n"
            "environment = { density = 'nrlmsis', path = 'jb.mat' }"
        )
    (changed,) = read(
        "environment = { solar = { model = 'repeat', space_weather = 'sw.txt' } }\n[[scenario]]\n"
        "environment = { solar = { model = 'bootstrap' } }"
    ).scenarios
    assert changed.environment.solar.space_weather.name == "sw.txt"


def test_names_must_differ(read: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match=r"names of scenarios repeat \(a, b, a\)"):
        read("[[scenario]]\nname='a'\n[[scenario]]\nname='b'\n[[scenario]]\nname='a'")
    with pytest.raises(InputError, match="names of scenarios repeat"):
        read("[[scenario]]\n[[scenario]]\n")
    assert read("[[scenario]]\nname='a'").scenarios[0].name == "a"


@pytest.mark.parametrize("text", ["scenario = 3", "scenario = []", "scenario = [1]", "[scenario]\nname = 'a'"])
def test_scenario_must_be_tables(read: Callable[..., Any], text: str) -> None:
    with pytest.raises(InputError, match=r"scenario must be a list of tables; write at least one \[\[scenario\]\]"):
        read(text)


def test_paths_begin_at_the_file(read: Callable[..., Any], tmp_path: Path) -> None:
    scenario = read(f"""
[population]
source = "mocat"
path = "data/2005.mat"
[environment]
density = "jb2008"
path = "{tmp_path}/elsewhere/jb.mat"
co2 = "../co2.nc"
co2_scenario = "RCP4.5"
solar = {{ model = "repeat", space_weather = "sw.txt" }}
""").scenarios[0]
    assert scenario.population.path == tmp_path / "data" / "2005.mat"
    assert scenario.environment.path == tmp_path / "elsewhere" / "jb.mat"
    assert scenario.environment.co2 == tmp_path / ".." / "co2.nc"
    assert scenario.environment.solar.space_weather == tmp_path / "sw.txt"


def test_files_can_be_kept_with_a_store(read: Callable[..., Any], tmp_path: Path) -> None:
    study = read("""
[population]
source = "mocat"
path = "2005.mat"
[[scenario]]
name = "a"
[[scenario]]
name = "b"
environment = { solar = { model = "repeat", space_weather = "2005.mat" } }
""")
    renamed, files = input_files(study)
    assert list(files.values()) == [tmp_path / "2005.mat"]
    (name,) = files
    assert renamed.scenarios[0].population.path == Path(name)
    scenarios = [scenario.model_dump(mode="json") for scenario in renamed.scenarios]
    placed = study_from_settings(scenarios, years=renamed.years, runs=renamed.runs, folder=tmp_path / "store")
    assert placed.scenarios[1].environment.solar.space_weather == tmp_path / "store" / name


def test_files_of_an_archive_are_kept_with_it(read: Callable[..., Any], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("in/2005.mat", "")
        archive.writestr("sw.txt", "")
    study = read("""
[population]
source = "mocat"
path = "all.zip/in/2005.mat"
[environment.solar]
model = "repeat"
space_weather = "all.zip/sw.txt"
""")
    renamed, files = input_files(study)
    assert files == {"all.zip": tmp_path / "all.zip"}
    assert renamed.scenarios[0].population.path == Path("all.zip/in/2005.mat")
    assert renamed.scenarios[0].environment.solar.space_weather == Path("all.zip/sw.txt")


def test_a_scenario_that_was_read_survives_json(read: Callable[..., Any]) -> None:
    scenario = read(BASE).scenarios[0]
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


def test_shipped_scenarios_are_valid() -> None:
    shipped = shipped_scenarios()
    assert shipped
    for path in shipped.values():
        study = read_study(path)
        assert len({s.name for s in study.scenarios}) == len(study.scenarios)
