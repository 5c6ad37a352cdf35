"""The bill of materials: SPDX 2.3, with what the NTIA asks of every one, from the exact dependencies of the build."""
import hashlib
import json
import os
import re
import urllib.parse

import pytest

from conftest import run


@pytest.fixture(scope="module")
def sbom(deb):
    with open(deb.removesuffix(".deb") + ".spdx.json", encoding="utf-8") as file:
        return json.load(file)


@pytest.fixture(scope="module")
def itself(sbom):
    return next(package for package in sbom["packages"] if package["name"] == "kpid")


def test_it_is_spdx(sbom):
    assert (sbom["spdxVersion"], sbom["dataLicense"], sbom["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"https://spdx\.org/spdxdocs/kpid_\S+-[0-9a-f-]{36}", sbom["documentNamespace"])
    names = [package["SPDXID"] for package in sbom["packages"]]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in names)
    for package in sbom["packages"]:
        assert package["downloadLocation"] and package["filesAnalyzed"] is False
    for relationship in sbom["relationships"]:
        assert {relationship["spdxElementId"], relationship["relatedSpdxElement"]} <= {*names, "SPDXRef-DOCUMENT"}


def test_minimum_elements(sbom, itself):
    """Of the NTIA: author and time of the document; supplier, name, version and another identifier of each part; how the parts depend on
    each other."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sbom["creationInfo"]["created"])
    assert any(creator.startswith(("Organization: ", "Person: ")) for creator in sbom["creationInfo"]["creators"])
    for package in sbom["packages"]:
        assert re.fullmatch(r"(Organization|Person): \S.*", package["supplier"]), package
        assert package["name"] and package["versionInfo"]
        identifier = next(ref for ref in package["externalRefs"] if ref["referenceType"] == "purl")["referenceLocator"]
        found = re.fullmatch(r"pkg:deb/(debian|kpid)/([^@]+)@([^?]+)\?arch=\w+&distro=debian-12", identifier)
        assert found and urllib.parse.unquote(found[2]) == package["name"], identifier
        assert urllib.parse.unquote(found[3]) == package["versionInfo"]
    related = {relationship["spdxElementId"]: relationship for relationship in sbom["relationships"]}
    assert related["SPDXRef-DOCUMENT"]["relationshipType"] == "DESCRIBES"
    for package in sbom["packages"]:
        if package is not itself:
            one = related[package["SPDXID"]]
            assert one["relatedSpdxElement"] == itself["SPDXID"] and one["relationshipType"].endswith("_DEPENDENCY_OF")


def test_it_names_this_package(sbom, itself, deb):
    with open(deb, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    assert itself["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    assert itself["packageFileName"] == os.path.basename(deb) and itself["licenseDeclared"] == "Apache-2.0"
    assert itself["versionInfo"] == run("dpkg-deb", "--field", deb, "Version").strip()


def test_its_parts_are_those_of_the_build(sbom, deb, unpacked):
    """Every library that the program is linked with is there, in the version that is installed here, and counts as one of the run time."""
    parts = {package["name"]: package for package in sbom["packages"]}
    kinds = {relationship["spdxElementId"]: relationship["relationshipType"] for relationship in sbom["relationships"]}
    needed = re.findall(r"NEEDED.*\[(\S+)\]", run("readelf", "--dynamic", "--wide", unpacked / "usr/bin/kpid"))
    paths = dict(re.findall(r"(\S+) => (/\S+)", run("ldd", unpacked / "usr/bin/kpid")))
    assert len(needed) >= 12
    for library in needed:
        path = paths[library]
        owner = run("sh", "-c", 'dpkg -S "$1" 2>/dev/null || dpkg -S "/usr$1"', "sh", path).partition(":")[0]
        part = parts[owner]
        assert part["versionInfo"] == run("dpkg-query", "-W", "-f", "${Version}", owner)
        assert kinds[part["SPDXID"]] == "RUNTIME_DEPENDENCY_OF", owner
    assert kinds[parts["cmake"]["SPDXID"]] == "BUILD_DEPENDENCY_OF" and "gcc-12" in parts
