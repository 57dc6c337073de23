"""Mail against a real SMTP server: an invitation arrives as people read it, and once, also when the server was away."""

import email
import email.policy
import os
import re
import socket
import urllib.request

from aiosmtpd.controller import Controller

from join import accept
from server import Server
from wire import Wire
from world import eventually, expect

PASSWORD = "a passphrase for the mail reader 4"
ADMIN = "admin@post.example.test"


class Mailbox:
    """Takes every mail that arrives while it is open; refuses the addresses that `refuse` names, for good."""

    def __init__(self, port, refuse=()):
        self.taken, self.refuse = [], refuse
        self.controller = Controller(self, hostname="127.0.0.1", port=port)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address in self.refuse:
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), message))
        return "250 taken"

    def to(self, address):
        return [message for _, recipients, message in self.taken if recipients == [address]]

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()


class Post:
    """A Bailiwick of its own with a mail server that may be away, and its Admin's calls."""

    def __init__(self, port):
        settings = f'[mail]\nserver = "smtp://127.0.0.1:{port}"\nfrom = "Post Office <post@post.example.test>"\n'
        self.server = Server(os.environ["BAILIWICK_EXECUTABLE"], os.environ["BAILIWICK_ENGINE"], settings=settings)

    def __enter__(self):
        made = self.server.bootstrap("Post Office", ADMIN, PASSWORD)
        self.wire = Wire(self.server.start(), made["admin_key"])
        return self

    def __exit__(self, *_):
        self.server.stop()

    def invite(self, address):
        return self.wire.post("/v1/organization/invites", {"email": address, "role": "reader"}).ok()

    def mail_to(self, address):
        """The line of the outbox about the mail to this address."""
        lines = self.wire.get("/v1/organization/mails?limit=100").ok()["data"]
        return next(line for line in lines if line["recipient"] == address)


def check_an_invitation_arrives_with_a_link_that_works(_world):
    port, guest = free_port(), "guest@post.example.test"
    with Mailbox(port) as mailbox, Post(port) as post:
        post.invite(guest)
        message, = eventually(lambda: mailbox.to(guest), lambda mails: mails, "the invitation")
        expect((message["to"], message["from"]), (guest, "Post Office <post@post.example.test>"), "the envelope's words")
        assert "Post Office" in message["subject"], f"expected the organization in the subject, got {message['subject']}"
        for header in ("date", "message-id"):
            assert message[header], f"expected the header {header}"
        expect(message["auto-submitted"], "auto-generated", "what keeps robots from answering")
        parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        expect(sorted(parts), ["text/html", "text/plain"], "the parts of a mail")
        link, = set(re.findall(r"http://\S+/invites/[\w-]+", parts["text/plain"]))
        assert link in parts["text/html"], "expected the same link in both parts"
        with urllib.request.urlopen(link, timeout=30) as page:
            assert guest in page.read().decode(), "expected the page of the invitation"
        accept(link, "Guest", PASSWORD)
        users = post.wire.get("/v1/organization/users").ok()["data"]
        assert guest in [user["email"] for user in users], f"expected the guest among the users, got {users}"
        eventually(lambda: post.mail_to(guest)["status"], lambda status: status == "delivered", "the outbox")


def check_a_mail_waits_for_a_server_that_is_away_and_arrives_once(_world):
    port, guest = free_port(), "late@post.example.test"
    with Post(port) as post:
        post.invite(guest)
        tried = eventually(lambda: post.mail_to(guest), lambda mail: mail["attempts"] >= 1, "a first attempt")
        expect(tried["status"], "pending", "a mail that waits")
        assert tried["last_error"], "expected why it was not taken"
        with Mailbox(port) as mailbox:
            eventually(lambda: post.mail_to(guest)["status"], lambda status: status == "delivered", "the next attempt")
            expect(len(mailbox.to(guest)), 1, "how often it arrived")
            post.invite("marker@post.example.test")
            eventually(lambda: mailbox.to("marker@post.example.test"), lambda mails: mails, "the mail after it")
            expect(len(mailbox.to(guest)), 1, "how often it arrived, a mail later")


def check_an_address_that_the_server_refuses_is_given_up_with_its_words(_world):
    port, nobody = free_port(), "nobody@post.example.test"
    with Mailbox(port, refuse=[nobody]) as mailbox, Post(port) as post:
        post.invite(nobody)
        mail = eventually(lambda: post.mail_to(nobody), lambda mail: mail["status"] == "failed", "a mail given up")
        assert "no such user here" in mail["last_error"], f"expected the server's words, got {mail}"
        expect(mailbox.to(nobody), [], "what arrived")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
