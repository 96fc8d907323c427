"""Reads a realm file of Keycloak and says how a running realm differs from it; only what the file says counts."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from identity.errors import RealmFileProblem

MASK: Final = "*" * 10
"""What Keycloak shows in place of a secret."""
NEVER: Final = frozenset({"id", "secret", "clientSecret", "password"})
"""Never compared: secrets are made and changed by other ways, and ids differ from one Keycloak to the next."""
_VEILED: Final = frozenset({*NEVER, "pairwiseSubAlgorithmSalt"})
_NAMES: Final = ("name", "alias", "clientId", "username")
_PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::([^}]*))?\}")


class _Unknown:
    """Stands for a value that only Keycloak's own environment holds."""

    def __repr__(self) -> str:
        return "?"


UNKNOWN: Final = _Unknown()
Values = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Change:
    """One place where the realm is not as the file says; None means that it is not there."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.path.rpartition(".")[2] in _VEILED:
            return f"- {self.path}: (別の値です)"
        if isinstance(self.before, list) and isinstance(self.after, list) and _name_of(self.after) is None:
            before, after = ([str(one) for one in value] for value in (self.before, self.after))
            signs = [f"−{one}" for one in before if one not in after]
            signs += [f"+{one}" for one in after if one not in before]
            return f"- {self.path}: {' '.join(signs)}"
        return f"- {self.path}: {_shown(self.before)} → {_shown(self.after)}"


def _shown(value: Any) -> str:
    if value is None or value is UNKNOWN:
        return "なし"
    if isinstance(value, Mapping):
        return "あり"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 160 else f"{text[:157]}…"


def read(path: Path, values: Values) -> dict[str, Any]:
    """The file with its `${NAME}` filled in; what `values` does not know is `UNKNOWN`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RealmFileProblem(f"{path} を読めません。") from error
    except ValueError as error:
        raise RealmFileProblem(f"{path} は正しいJSONではありません: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("realm"), str):
        raise RealmFileProblem(f"{path} は、Keycloakのレルムのファイルではありません（realm がありません）。")
    filled: dict[str, Any] = _fill(found, values)
    return filled


def _fill(value: Any, values: Values) -> Any:
    if isinstance(value, dict):
        return {key: _fill(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [_fill(one, values) for one in value]
    if not isinstance(value, str):
        return value
    known = {name: values(name) or default for name, default in _PLACEHOLDER.findall(value)}
    if not all(known.values()):
        return UNKNOWN
    return _PLACEHOLDER.sub(lambda match: str(known[match[1]]), value)


# --- comparing -----------------------------------------------------------------------------------------------


def differences(wanted: Any, found: Any, path: str) -> Iterator[Change]:
    """Every leaf of `wanted` that `found` has otherwise. Lists of values are sets; lists of objects go by name."""
    if wanted is UNKNOWN or found == MASK:
        return
    if isinstance(wanted, Mapping):
        known = found if isinstance(found, Mapping) else {}
        for key, value in wanted.items():
            if key not in NEVER:
                yield from differences(value, known.get(key), f"{path}.{key}")
    elif (name := _name_of(wanted)) is not None:
        named = {one.get(name): one for one in found or () if isinstance(one, Mapping)}
        for one in wanted:
            at = f"{path}.{one[name]}"
            if one[name] in named:
                yield from differences(one, named[one[name]], at)
            else:
                yield Change(at, None, one)
    elif not _same(wanted, found):
        yield Change(path, found, wanted)


def too_many(wanted: list[Any], found: list[Any] | None, path: str) -> Iterator[Change]:
    """What `found` has and `wanted` does not name, for lists that the file holds whole."""
    names = {one["name"] for one in wanted}
    for one in found or ():
        if one["name"] not in names:
            yield Change(f"{path}.{one['name']}", one, None)


def _name_of(wanted: Any) -> str | None:
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, Mapping) for one in wanted):
        return None
    return next((name for name in _NAMES if all(name in one for one in wanted)), None)


def _same(wanted: Any, found: Any) -> bool:
    # Keycloak leaves out what is empty or false, and keeps everything in a `config` as text.
    return (wanted is False and found is None) or _plain(wanted) == _plain(found)


def _plain(value: Any) -> Any:
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, list):
        return sorted(str(_plain(one)) for one in value)
    if isinstance(value, str) and "##" in value:
        return sorted(value.split("##"))
    return str(value)


def merged(wanted: Any, found: Any) -> Any:
    """`found` with what the file says put over it: Keycloak takes many maps only whole."""
    if wanted is UNKNOWN:
        return found
    if not isinstance(wanted, Mapping):
        return wanted
    known = dict(found) if isinstance(found, Mapping) else {}
    for key, value in wanted.items():
        if key in NEVER and key in known:
            continue
        part = merged(value, known.get(key))
        if part is not None or value is not UNKNOWN:
            known[key] = part
    return known


def complete(wanted: Any, path: str) -> Any:
    """What is made anew must be known whole, but for secrets, which Keycloak then makes itself."""
    if wanted is UNKNOWN:
        raise RealmFileProblem(f"{path} の値が分かりません。環境変数で指定してください。")
    if isinstance(wanted, Mapping):
        return {
            key: complete(value, f"{path}.{key}")
            for key, value in wanted.items()
            if not (value is UNKNOWN and key in NEVER)
        }
    if isinstance(wanted, list):
        return [complete(value, path) for value in wanted]
    return wanted
