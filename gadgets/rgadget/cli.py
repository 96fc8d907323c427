"""The commands of `rgadget`, their options, and what each does."""

import argparse
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from gadgets.errors import GadgetError
from gadgets.rgadget import checking, remote, signing, start, surroundings
from gadgets.rgadget.out import Exit, Out, ToolError

PORTAL_VARIABLE = "RGADGET_PORTAL"
_HELP = {
    "what": {
        "ja": "地域の窓口に載せるサービス（ガジェット）を作り、確かめ、提出します。",
        "en": "Makes, checks and hands in a gadget for a region's portal.",
    },
    "exit": {
        "ja": "終了コード: 0 問題なし、1 直すところがある、2 実行のしかたが違う、3 相手が応答しない",
        "en": "Exit codes: 0 good, 1 something to fix, 2 cannot be run like this, 3 the other side does not answer",
    },
    "init": {
        "ja": "動く提供者のプログラムとマニフェストを書く",
        "en": "write a provider that works, and its manifest",
    },
    "validate": {
        "ja": "マニフェスト（または署名したパッケージ）を確かめる",
        "en": "check a manifest, or a signed package",
    },
    "serve": {"ja": "模擬ポータルでカードを見る", "en": "see the cards in a mock portal"},
    "test": {"ja": "ポータルと同じ検査をすべて行う", "en": "run every check that the portal runs"},
    "sign": {
        "ja": "マニフェストと報告を署名した一つのファイルにする",
        "en": "sign manifest and report as one file",
    },
    "submit": {"ja": "ポータルに登録し、審査を申し込む", "en": "register at a portal and ask for the review"},
    "status": {"ja": "ポータルでの状態を見る", "en": "see how it stands at a portal"},
}


def language_of(arguments: Sequence[str]) -> str:
    """As `--language` says, else as the terminal does; needed before the arguments are parsed, for the help."""
    for given, following in pairwise([*arguments, ""]):
        if given == "--language" and following in ("ja", "en"):
            return following
        if given in ("--language=ja", "--language=en"):
            return given[-2:]
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ja" if spoken.startswith("ja") else "en"


def parser(language: str) -> argparse.ArgumentParser:
    """Every command and option."""

    def word(name: str) -> str:
        return _HELP[name][language]

    top = argparse.ArgumentParser(prog="rgadget", description=word("what"), epilog=word("exit"))
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--language", choices=("ja", "en"), default=language)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=word(name), description=word(name), epilog=word("exit"), parents=[common]
        )

    made = command("init")
    made.add_argument("folder", type=Path)
    made.add_argument("--name", default="hours", help="last part of the id (hours)")
    made.add_argument("--origin", default="", help=f"http://FOLDER.localhost:{start.PORT}")
    made.add_argument("--provider", default="", help="name of the organisation (FOLDER)")
    made.add_argument(
        "--personal",
        action="store_true",
        help="a pseudonym for each resident, a form, events (level pairwise)",
    )

    valid = command("validate")
    valid.add_argument("place", metavar="FILE|URL")
    valid.add_argument("--url", default="", help="where a file will be published")
    valid.add_argument("--keys", default="", help="key set (JWKS) of whoever signed a .rgadget")

    shown = command("serve")
    shown.add_argument("url", metavar="URL")
    tested = command("test")
    tested.add_argument("url", metavar="URL")
    tested.add_argument("--previous", default="", help="the version that is published now")
    tested.add_argument("--report", default="", help="file for the report, which `sign` takes")
    tested.add_argument("--chromium", default="", help="browser for the checks that draw the card")
    for one in (shown, tested):
        one.add_argument(
            "--state",
            type=Path,
            default=surroundings.STATE,
            help="folder of the mock portal's key (.rgadget)",
        )
        one.add_argument("--port", type=_port, default=surroundings.PORT, help=f"{surroundings.PORT}")

    signed = command("sign")
    signed.add_argument("place", metavar="FILE|URL")
    signed.add_argument("--report", type=Path, required=True)
    signed.add_argument("--key", type=Path, default=surroundings.STATE / "provider-key.pem")
    signed.add_argument("--out", default="", help="ID-VERSION.rgadget")

    handed = command("submit")
    handed.add_argument("url", metavar="URL")
    asked = command("status")
    asked.add_argument("id", metavar="ID")
    for one in (handed, asked):
        one.add_argument("--portal", default=os.environ.get(PORTAL_VARIABLE, ""), help=PORTAL_VARIABLE)
        one.add_argument("--key-file", default="", help=f"else {remote.KEY_VARIABLE}")
    return top


def _port(raw: str) -> int:
    number = int(raw)
    if not 0 < number < 65536:
        raise ValueError(raw)
    return number


def run(arguments: Sequence[str]) -> int:
    """Parses, runs, and tells what went wrong in the caller's language."""
    options = parser(language_of(arguments)).parse_args(arguments)
    out = Out(options.language)
    surroundings.ready()
    try:
        return int(_command(out, options))
    except ToolError as error:
        out.trouble(out.pick(error.message), out.pick(error.remedy))
        return int(error.code)
    except GadgetError as error:
        return int(out.error(error))


def _command(out: Out, options: argparse.Namespace) -> Exit:
    if options.command == "init":
        return start.init(
            out,
            folder=options.folder,
            name=options.name,
            origin=options.origin,
            provider=options.provider,
            personal=options.personal,
        )
    if options.command in ("submit", "status"):
        portal = _remote(options)
        return (
            remote.submit(out, portal, options.url)
            if options.command == "submit"
            else remote.status(out, portal, options.id)
        )
    if options.command == "validate":
        return checking.validate(
            out, surroundings.door(), place=options.place, url=options.url, keys=options.keys
        )
    if options.command == "sign":
        return signing.sign(
            out,
            surroundings.door(),
            place=options.place,
            report=options.report,
            key_file=options.key,
            target=options.out,
        )
    browser = checking.browser(options.chromium) if options.command == "test" else ""
    env = surroundings.environment(options.state, options.port, browser)
    if options.command == "serve":
        return checking.serve(out, env, url=options.url, port=options.port)
    return checking.test(
        out, env, url=options.url, port=options.port, previous=options.previous, report=options.report
    )


def _remote(options: argparse.Namespace) -> remote.Remote:
    if not options.portal:
        raise ToolError(
            Exit.USAGE,
            {"ja": "どのポータルか分かりません。", "en": "Which portal is not said."},
            {
                "ja": f"--portal か環境変数 {PORTAL_VARIABLE} に、ポータルのアドレスを書いてください。",
                "en": f"Name the portal with --portal or {PORTAL_VARIABLE}.",
            },
        )
    return remote.Remote(
        options.portal.rstrip("/"),
        remote.key_from(options.key_file),
        options.language,
        surroundings.door(),
    )
