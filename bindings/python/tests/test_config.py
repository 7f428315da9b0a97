"""`mke.config`: what the library decides arrives in Python, unchanged and typed."""

from __future__ import annotations

import copy
import os
import pathlib
import stat
from collections.abc import Callable

import pytest

import mke
from mke.config import AzureConfig, Config, Document, InterlockConfig, Secret
from mke.config_types import Value
from mke.errors import (
    ConfigEditError,
    ConfigError,
    ConfigPathError,
    InvalidValueError,
    MkeError,
    UnknownKeyError,
)

FILES = pathlib.Path(__file__).parents[3] / "mke-core/tests/config_files"
FULL = (FILES / "full.toml").read_text()
PASSWORD = "correct-horse-battery"
WITH_SECRET = f"""\
[auth]
  backend = "ldap" # ours

  [auth.ldap]
    server_url = "ldaps://ldap.example.com"

  [[auth.ldap.additional_domains]]
    domain = "example.com"
    server_url = "ldaps://ldap.example.com"
    reader_dn = "cn=reader,dc=example,dc=com"
    reader_password = "{PASSWORD}"
"""


# Reading.


def test_a_file_is_read_and_every_value_has_its_type() -> None:
    config = Config(FULL)
    assert config["auth.sessions.lifetime_minutes"] == config.get("auth.sessions.lifetime_minutes")
    kinds = {type(setting.value) for setting in config.settings()}
    assert kinds == {bool, int, str, list, dict, Secret, type(None)}
    assert Config() == Config("") != config
    assert eval(repr(config["auth.sessions.lifetime_minutes"])) == config.to_dict()["auth"]["sessions"]["lifetime_minutes"]


def test_all_problems_come_at_once_with_their_places() -> None:
    text = '[auth]\nbackend = "kerberos"\n[auth.sessions]\nlifetime_minutes = "60"\nnope = 1\n'
    problems = mke.config.validate(text, file="ucp.toml")
    assert [(problem.line, problem.key) for problem in problems] == [
        (2, "auth.backend"),
        (4, "auth.sessions.lifetime_minutes"),
        (5, "auth.sessions.nope"),
    ]
    assert all(problem.file == "ucp.toml" and str(problem).startswith("ucp.toml:") for problem in problems)
    assert "managed" in (problems[0].allowed or "")
    with pytest.raises(ConfigError) as raised:
        Config(text, file="ucp.toml")
    assert raised.value.problems == problems
    assert isinstance(raised.value, (MkeError, ValueError))
    assert Document(text).problems(file="ucp.toml") == problems
    assert mke.config.validate(FULL) == []


def test_what_is_no_toml_is_a_problem_of_the_whole_text() -> None:
    for text in ["[auth", "a = \x00", "= 1"]:
        with pytest.raises(ConfigError):
            Document(text)
        assert len(mke.config.validate(text)) == 1
    with pytest.raises(TypeError):
        Config(b"")  # type: ignore[arg-type]


def test_newer_files_keep_their_unknown_keys_only_when_asked() -> None:
    text = "# mke-version: 9.0\n[auth]\nquantum = true\n"
    with pytest.raises(ConfigError):
        Config(text)
    config = Config(text, keep_unknown=True)
    assert config.unknown == ["auth.quantum"]
    assert config.version == "9.0"


def test_unknown_keys_name_the_nearest() -> None:
    key = "auth.sessions.lifetime_minute"
    asks: list[Callable[[], object]] = [
        lambda: Config().get(key),
        lambda: Config()[key],
        lambda: mke.config.explain(key),
        lambda: Document().get(key),
        lambda: Document().set(key, 1),
    ]
    for ask in asks:
        with pytest.raises(UnknownKeyError) as raised:
            ask()
        assert issubclass(UnknownKeyError, KeyError)
        assert raised.value.nearest == "auth.sessions.lifetime_minutes"
        assert "did you mean `auth.sessions.lifetime_minutes`?" in str(raised.value)
    with pytest.raises(ConfigPathError):
        Config().get("auth..sessions")
    with pytest.raises(UnknownKeyError):
        Config().section("auth.session")


def test_rows_and_named_tables_are_found_by_path() -> None:
    text = "".join(f'[[registries]]\nhost_address = "{host}"\nservice_id = "1"\n' for host in ("a.example.com", "b.example.com:5000"))
    config = Config(text)
    assert config["registries[1].host_address"] == "b.example.com:5000"
    assert config["registries[2].host_address"] is None
    assert [row["host_address"] for row in config.section("registries")] == ["a.example.com", "b.example.com:5000"]
    assert config.section("registries[0]")["host_address"] == "a.example.com"
    interlock = InterlockConfig((FILES / "interlock.toml").read_text())
    (name,) = interlock.to_dict()["Extensions"]
    assert interlock[f"Extensions.{name}.PublishedPort"] == interlock.section(f"Extensions.{name}")["PublishedPort"]
    assert interlock.get("Extensions.nobody.Image") is None


def test_files_are_read_from_disk_with_errors_of_the_system(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "ucp.toml"
    file.write_text("[auth]\nbackend = 1\n")
    with pytest.raises(ConfigError) as raised:
        Config.from_file(file)
    assert raised.value.problems[0].file == str(file)
    with pytest.raises(FileNotFoundError) as missing:
        Config.from_file(str(tmp_path / "none.toml"))
    assert missing.value.filename == str(tmp_path / "none.toml")
    file.write_bytes(b"a = \xff")
    with pytest.raises(InvalidValueError):
        Document.from_file(file)
    file.write_bytes(b"#" * (2 << 20))
    with pytest.raises(ConfigError):
        Config.from_file(file)
    with pytest.raises(IsADirectoryError):
        Config.from_file(tmp_path)


def test_azure_and_interlock_are_files_of_their_own() -> None:
    azure = AzureConfig.from_file(FILES / "azure.json")
    assert isinstance(azure["aadClientSecret"], Secret)
    assert azure["aadClientSecret"].expose() not in repr(azure) + str(azure.to_dict())
    with pytest.raises(ConfigError) as raised:
        AzureConfig("{}")
    assert len(raised.value.problems) > 5
    with pytest.raises(UnknownKeyError):
        azure.get("auth.backend")
    interlock = InterlockConfig.from_file(FILES / "interlock.toml")
    assert InterlockConfig(interlock.to_toml()) == interlock
    assert not interlock.diff(interlock)
    with pytest.raises(ConfigError):
        InterlockConfig("PollInterval = 'often'")


# Secrets.


def test_secrets_are_shown_nowhere() -> None:
    document = Document(WITH_SECRET)
    config = document.read()
    key = "auth.ldap.additional_domains[0].reader_password"
    assert config[key] == document.get(key) == Secret(PASSWORD)
    assert config[key].expose() == PASSWORD
    assert config[key] and not Secret("")
    after = copy.deepcopy(document)
    after.set(key, Secret("another-password"))
    diff = document.diff(after)
    shown = [
        repr(config),
        repr(document),
        repr(config[key]),
        str(config[key]),
        f"{config[key]:}",
        repr(config.to_dict()),
        repr(list(config.settings())),
        config.settings()._repr_html_(),
        str(config.settings()),
        str(diff),
        repr(diff),
        repr(list(diff)),
        diff._repr_html_(),
        config.export(),
        config.to_mke4().summary(),
    ]
    for text in shown:
        assert PASSWORD not in text and "another-password" not in text
    password = next(iter(diff)).after
    assert isinstance(password, Secret) and password.expose() == "another-password"
    assert PASSWORD in config.to_toml()


def test_a_wrong_value_for_a_secret_is_not_shown() -> None:
    with pytest.raises(InvalidValueError) as raised:
        Document().set("auth.ldap.additional_domains[0].reader_password", [PASSWORD])
    assert PASSWORD not in str(raised.value)


# Editing.


def test_edits_keep_every_other_byte() -> None:
    text = "# top\n[auth.sessions]\r\n\tlifetime_minutes   =  60   # ours\r\n"
    document = Document(text)
    assert document.set("auth.sessions.lifetime_minutes", 90) is True
    assert str(document) == text.replace("60", "90")
    assert document.set("auth.sessions.lifetime_minutes", 90) is False
    assert document.unset("auth.sessions.lifetime_minutes") is True
    assert document.unset("auth.sessions.lifetime_minutes") is False
    assert str(document) == "# top\n[auth.sessions]\r\n"
    marked = "\ufeff" + text
    assert str(Document(marked)) == marked


@pytest.mark.parametrize(
    ("key", "value", "toml"),
    [
        ("auth.samlEnabled", True, "true"),
        ("auth.sessions.per_user_limit", 5, "5"),
        ("auth.backend", "ldap", '"ldap"'),
        ("cluster_config.custom_kubelet_flags", ["--v=2", 'a"b'], """["--v=2", 'a"b']"""),
        ("cluster_config.custom_kubelet_flags", ("--v=2",), '["--v=2"]'),
        ("cluster_config.custom_kubelet_flags_profiles", {"high": "--v=5"}, '{ high = "--v=5" }'),
    ],
)
def test_values_of_every_kind_are_written_and_read_back(key: str, value: Value, toml: str) -> None:
    document = Document()
    assert document.set(key, value)
    assert document.get(key) == (list(value) if isinstance(value, tuple) else value)
    assert document.raw(key) == toml
    assert document.set(key, value) is False


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("auth.samlEnabled", 1),
        ("auth.samlEnabled", "true"),
        ("auth.samlEnabled", None),
        ("auth.sessions.per_user_limit", True),
        ("auth.sessions.per_user_limit", 5.0),
        ("auth.sessions.per_user_limit", "5"),
        ("auth.sessions.per_user_limit", 1 << 70),
        ("auth.backend", 1),
        ("auth.backend", b"ldap"),
        ("cluster_config.custom_kubelet_flags", "--v=2"),
        ("cluster_config.custom_kubelet_flags", [1]),
        ("cluster_config.custom_kubelet_flags_profiles", {"high": 1}),
        ("cluster_config.custom_kubelet_flags_profiles", [("high", "--v=5")]),
        ("auth.backend", "\ud800"),
    ],
)
def test_values_of_another_kind_are_refused(key: str, value: object) -> None:
    document = Document()
    with pytest.raises(ValueError):
        document.set(key, value)  # type: ignore[arg-type]
    assert str(document) == ""


def test_several_edits_happen_all_or_none() -> None:
    document = Document("[auth]\n")
    with pytest.raises(UnknownKeyError):
        document.update({"auth.backend": "ldap", "auth.nope": 1})
    assert str(document) == "[auth]\n"
    assert document.update({"auth.backend": "ldap", "auth.samlEnabled": False}) == ["auth.backend", "auth.samlEnabled"]


def test_rows_are_added_behind_the_last_one_only() -> None:
    document = Document()
    with pytest.raises(ConfigEditError) as raised:
        document.set("registries[1].host_address", "b.example.com")
    assert raised.value.kind == "NoSuchRow"
    document.set("registries[0].host_address", "a.example.com")
    document.set("registries[1].host_address", "b.example.com")
    assert document.unset("registries[0]")
    assert document.get("registries[0].host_address") == "b.example.com"


def test_a_text_is_merged_into_another() -> None:
    document = Document("# ours\n[auth]\nbackend = 'managed' # yes\n")
    assert document.merge("[auth]\nsamlEnabled = false\n") is True
    assert document.merge(Document("[auth]\nsamlEnabled = false\n")) is False
    assert "# yes" in str(document) and document.get("auth.samlEnabled") is False
    with pytest.raises(ConfigError):
        document.merge("[")


def test_documents_are_copied_and_compared() -> None:
    document = Document("[auth]\n")
    other = copy.copy(document)
    assert other == document and other is not document
    other.set("auth.samlEnabled", True)
    assert other != document
    with pytest.raises(TypeError):
        hash(document)


# Comparing.


def test_a_diff_says_what_is_touched() -> None:
    before = Config()
    after = before.replace({"auth.sessions.lifetime_minutes": 90, "cluster_config.custom_kubelet_flags": ["--v=2"]})
    diff = before.diff(after)
    assert diff and len(diff) == 2 and not diff.refused
    assert [(change.path, change.before, change.after) for change in diff.changes] == [
        ("auth.sessions.lifetime_minutes", 60, 90),
        ("cluster_config.custom_kubelet_flags", [], ["--v=2"]),
    ]
    assert diff.impact.live == 1 and diff.impact.all_nodes == ["ucp-kubelet"]
    assert diff.changes[0].key == mke.config.explain("auth.sessions.lifetime_minutes")
    assert list(diff) == list(diff.changes)
    assert not before.diff(before)


def test_what_is_fixed_at_installation_is_refused() -> None:
    key = "cluster_config.cni_installer_url"
    assert mke.config.explain(key).install_only
    document = Document()
    document.set(key, "https://example.com/cni.yaml")
    diff = Document().diff(document)
    assert diff.refused and diff.impact.refused == [key]
    assert "refused" in str(diff.impact)


def test_replaced_values_follow_the_rules() -> None:
    with pytest.raises(ConfigError):
        Config().replace({"auth.sessions.lifetime_minutes": 5})
    with pytest.raises(InvalidValueError):
        Config().replace({"registries[0].host_address": "a.example.com"})


# Files.


def test_a_file_is_edited_as_a_whole_or_not_at_all(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "ucp.toml"
    text = "# ours\n[auth.sessions]\nlifetime_minutes = 60\nper_user_limit = 5\n"
    file.write_text(text)
    file.chmod(0o640)
    change = {"auth.sessions.lifetime_minutes": 90}
    assert len(mke.config.edit_file(file, change, dry_run=True)) == 1
    assert file.read_text() == text
    with pytest.raises(ConfigError):
        mke.config.edit_file(file, {"auth.sessions.lifetime_minutes": 1})
    assert file.read_text() == text
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    diff = mke.config.edit_file(link, change, unset=["auth.sessions.per_user_limit"])
    assert [item.path for item in diff] == ["auth.sessions.lifetime_minutes", "auth.sessions.per_user_limit"]
    assert file.read_text() == "# ours\n[auth.sessions]\nlifetime_minutes = 90\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640 and link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link.toml", "ucp.toml"]


def test_examples_schemas_and_reference_come_from_the_keys() -> None:
    assert not mke.config.validate(mke.config.example())
    assert mke.config.json_schema("ldap")["title"] == "Directory"
    with pytest.raises(InvalidValueError):
        mke.config.json_schema("nope")
    keys = mke.config.keys()
    page = mke.config.reference_page()
    assert all(key.name in page for key in keys)
    assert {key.path for key in mke.config.keys("azure")} >= {"tenantId"}
    for key in [*keys, *mke.config.keys("interlock")]:
        assert mke.config.explain(key.path) == key and key.about in str(key)
    assert len(set(keys)) == len(keys)


# MKE 4.


def test_a_configuration_is_converted_for_mke_4() -> None:
    config = Config(FULL)
    conversion = config.to_mke4(version="3.8.2", backup_confirmed=True)
    assert conversion.to_yaml().startswith("apiVersion: mke.mirantis.com/v1alpha1")
    assert len(conversion.converted) > 20 and set(conversion.left.columns) == {"key", "found", "why"}
    assert all(row["key"] and row["why"] for row in conversion.left)
    assert "Configuration file" in conversion.summary()
    assert "MKE 3.8.2 was removed" in conversion.summary(removed="3.8.2")
    for bad in ["3", "latest"]:
        with pytest.raises(InvalidValueError):
            config.to_mke4(version=bad)


def test_obstacles_say_what_to_mend() -> None:
    kinds = [obstacle.kind for obstacle in Config().to_mke4().obstacles]
    assert kinds == ["unknown-version", "no-backup", "calico-in-etcd"]
    (version,) = (
        obstacle
        for obstacle in Config("[cluster_config]\ncalico_kdd = true\n").to_mke4(version="3.6.1", backup_confirmed=True).obstacles
    )
    assert version.kind == "version" and "3.6.1" in str(version)
