"""Many ephemeris files. Truth: the circles and covariances that were written into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.trajectories import MEME_NAME, S, circle, meme

from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.rejection import Rejection
from stmgpu.catalog.trajectories import SYNTHETIC_ID, Trajectories, Trajectory
from stmgpu.catalog.trajectories.files import find_files, read_trajectories
from stmgpu.errors import InputError
from stmgpu.frames import to_teme

COUNT = 40


def write(folder: Path, numbers: list[int]) -> list[Path]:
    paths = []
    for number in numbers:
        segment = circle(COUNT, radius_km=7000.0 + number % 100)
        states = np.concatenate([segment.position, segment.velocity], axis=1)
        path = folder / MEME_NAME.format(number=number, name=f"SAT-{number}")
        path.write_bytes(meme(segment.time_ns.view("datetime64[ns]"), states))
        paths.append(path)
    return paths


def test_one_file(tmp_path: Path) -> None:
    path = write(tmp_path, [91005])[0]
    t = read_trajectories(path)
    assert t.norad_id.tolist() == [91005]
    assert t.name.tolist() == ["SAT-91005"]
    segment = circle(COUNT, radius_km=7005.0)
    position, velocity = to_teme("EME2000", segment.time_ns, segment.position, segment.velocity)
    assert np.abs(t.position - position).max() < 1e-9  # ten decimals are written
    assert np.abs(t.velocity - velocity).max() < 1e-9
    assert t.covariance.frame.tolist() == ["RTN"] * COUNT  # UVW is another name of it
    assert np.array_equal(t.covariance.time_ns, t.time_ns)
    assert np.allclose(t.covariance.lower[1], 2e-8 * np.arange(1, 22), rtol=1e-10)
    plain = read_trajectories(path, covariances=False)
    assert len(plain.covariance) == 0
    assert plain.digest() == t.digest()


@pytest.mark.slow
def test_processes_make_no_difference(tmp_path: Path) -> None:
    write(tmp_path, list(range(91000, 91040)))
    (tmp_path / "MANIFEST.txt").write_text("no ephemeris")
    (tmp_path / "zz.oem").write_bytes(format_oem(Trajectories.of([Trajectory([circle()], name="OWN")])))
    fractions: list[float] = []
    one = read_trajectories(tmp_path)
    two = read_trajectories(tmp_path, processes=2, progress=fractions.append)
    assert len(one) == 41
    assert one.equals(two)
    assert one.norad_id.tolist() == [*range(91000, 91040), SYNTHETIC_ID]
    assert fractions[-1] == 1.0
    assert read_trajectories([f"{tmp_path}/MEME_*", tmp_path / "zz.oem"]).equals(one)


def test_states_around_the_window(tmp_path: Path) -> None:
    path = write(tmp_path, [91001])[0]
    whole = read_trajectories(path)
    begin = int(whole.time_ns[19]) + S
    part = read_trajectories(path, window_ns=(begin, begin + S))
    assert part.time_ns.tolist() == whole.time_ns[3:37].tolist()  # 16 on either side
    assert part.covariance.time_ns.tolist() == part.time_ns.tolist()
    assert part.usable_start_ns[0] == part.time_ns[0]
    outside = read_trajectories(path, window_ns=(0, S))
    assert len(outside) == 1  # it is listed as absent, not forgotten
    assert outside.equals(whole) or len(outside.time_ns) == 17


def test_bad_files_are_all_named(tmp_path: Path) -> None:
    good = write(tmp_path, [91001, 91002])
    (tmp_path / "a.oem").write_text("junk")
    (tmp_path / good[0].name.replace("91001", "91003")).write_bytes(good[0].read_bytes()[:-40])
    with pytest.raises(InputError, match=r"2 of 4 ephemeris files cannot be read; .*:\n.*91003.*\n.*a\.oem"):
        read_trajectories(tmp_path)
    rejected: list[Rejection] = []
    assert read_trajectories(tmp_path, on_rejection=rejected.append).norad_id.tolist() == [91001, 91002]
    assert [Path(r.where).name[:10] for r in rejected] == ["MEME_91003", "a.oem"]
    assert "fields, allowed are 7" in rejected[0].reason


def test_one_object_in_two_files_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, [91001])[0]
    path.with_name(path.name.replace("1900000", "1910000")).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"object 91001 has an ephemeris in .*1900000.* and in .*1910000.*; give one"):
        read_trajectories(tmp_path)


def test_what_is_not_found(tmp_path: Path) -> None:
    strange = tmp_path / "a[1].oem"
    strange.write_text("x")
    (tmp_path / ".hidden").write_text("x")
    assert find_files([strange, str(strange)]) == [str(strange)]
    assert find_files([tmp_path]) == [str(strange)]
    (tmp_path / "empty").mkdir()
    for source, problem in (
        ("none.oem", "there is no file 'none.oem'"),
        ("none*.oem", r"no file matches the pattern 'none\*.oem'"),
        (tmp_path / "empty", "holds no ephemeris file"),
    ):
        with pytest.raises(InputError, match=problem):
            find_files([source])
    with pytest.raises(InputError, match="one id, 7, is given for 2 files"):
        read_trajectories(write(tmp_path, [1, 2]), norad_ids=7)
