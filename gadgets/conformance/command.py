"""The command `python -m gadgets.conformance URL`: fetches a manifest, runs the checks, prints each line."""

import argparse
import os
import sys

_MARKS = {True: "✔", False: "✘", None: "–"}


def run(arguments: list[str] | None = None) -> int:
    """0: every line passes; 1: something is to fix; 2: the manifest could not be had."""
    parser = argparse.ArgumentParser(
        prog="python -m gadgets.conformance",
        description="Checks a gadget as the portal does at registration, with the portal's settings and key.",
    )
    parser.add_argument("url", help="where the manifest is published")
    parser.add_argument("--language", choices=("ja", "en"), default="ja")
    parser.add_argument("--previous", help="the version published now, if any")
    options = parser.parse_args(arguments)

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from gadgets import conformance  # models, once Django is set up
    from gadgets.errors import DoorError, LifeError, ManifestError  # translations, likewise
    from gadgets.registration import check_environment, manifest_source  # models, likewise

    try:
        fetched = manifest_source.fetch(options.url)
    except (DoorError, LifeError, ManifestError) as error:
        sys.stderr.write(f"{error.provider_message}\n")
        return 2
    subject = conformance.Subject(fetched.raw, fetched.url, fetched.manifest.id, options.previous)
    failed = 0
    for line in conformance.check(subject, check_environment.environment()):
        failed += line.ok is False
        language = options.language
        sys.stdout.write(
            f"{_MARKS[line.ok]} {line.number:>2} {line.title[language]}: {line.message[language]}\n"
        )
        if not line.ok:
            sys.stdout.write(f"     → {line.remedy[language]}\n")
    sys.stdout.write(f"{failed} to fix\n" if failed else "ok\n")
    return 1 if failed else 0
