"""Accepts an invitation as a person would in the console: opens its link, fills the form in, sends it.

    join.py LINK NAME PASSWORD
"""

import http.cookiejar
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser


class Forms(HTMLParser):
    """The forms of a page: each its action and its fields with their values, types and names."""

    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.forms.append({"action": given.get("action") or "", "fields": []})
        elif tag == "input" and self.forms and given.get("name"):
            self.forms[-1]["fields"].append(given)


class StayHere(urllib.request.HTTPRedirectHandler):
    """Where an accepted invitation leads to is not this program's business."""

    def redirect_request(self, *_):
        return None


def accept(link, name, password):
    """Accepts as a new user; raises when the page has no such form or the answer is not a redirect onwards."""
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    opener = urllib.request.build_opener(cookies, StayHere())
    with opener.open(link, timeout=30) as page:
        forms = Forms()
        forms.feed(page.read().decode())
    form = next((form for form in forms.forms if any(field.get("type") == "password" for field in form["fields"])),
                None)
    if form is None:
        raise RuntimeError(f"no form with a password at {link}: {forms.forms}")
    sent = {field["name"]: filled(field, name, password) for field in form["fields"]}
    body = urllib.parse.urlencode(sent).encode()
    try:
        with opener.open(urllib.parse.urljoin(link, form["action"]), body, timeout=30) as answer:
            raise RuntimeError(f"the invitation was not accepted ({answer.status}): {answer.read().decode()[:2000]}")
    except urllib.error.HTTPError as answer:
        if answer.code not in (302, 303):
            refused = f"the invitation was not accepted ({answer.code}): {answer.read().decode()[:2000]}"
            raise RuntimeError(refused) from answer


def filled(field, name, password):
    if field.get("type") == "password":
        return password
    if field["name"] == "name" or "full_name" in field["name"]:
        return name
    return field.get("value") or ""


if __name__ == "__main__":
    accept(*sys.argv[1:4])
