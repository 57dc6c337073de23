"""An OpenAI-compatible upstream for tests: answers from a fixed rule and keeps a journal of what it served.

It counts a token per word. The answer to a chat repeats the last message's words, at most `max_tokens` of them.
`GET /journal` tells every call: path, model, authorization, whether it streamed, tokens in and out.
"""

import base64
import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EMBEDDING = [0.25, -0.5, 0.125]
CREATED = 1_790_000_000


class MockUpstream:
    """The server; `authority` is its host:port."""

    def __init__(self):
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.journal = []
        self.authority = f"127.0.0.1:{self.http.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/journal":
            self.answer({"data": self.server.journal})
        else:
            self.refuse(404, "not_found")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        if path == "/v1/chat/completions":
            self.chat(body)
        elif path == "/v1/embeddings":
            self.embed(body)
        else:
            self.refuse(404, "not_found")

    def chat(self, body):
        words = text_of(body["messages"][-1]).split()
        if words[:2] == ["please", "fail"]:
            return self.refuse(int(words[2]), "mock_failure")
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or len(words)
        words = words[:limit]
        prompt = sum(len(text_of(message).split()) for message in body["messages"])
        usage = {"prompt_tokens": prompt, "completion_tokens": len(words), "total_tokens": prompt + len(words)}
        self.note(body, prompt, len(words))
        if body.get("stream"):
            self.stream(body, words, usage)
        else:
            message = {"role": "assistant", "content": " ".join(words), "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            self.answer({"id": "chatcmpl-mock", "object": "chat.completion", "created": CREATED,
                         "model": body["model"], "choices": [choice], "usage": usage})

    def stream(self, body, words, usage):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        with_usage = (body.get("stream_options") or {}).get("include_usage", False)
        for index, word in enumerate(words):
            delta = {"content": word if index == 0 else " " + word}
            self.event(body, [{"index": 0, "delta": delta, "finish_reason": None}], with_usage, None)
        self.event(body, [{"index": 0, "delta": {}, "finish_reason": "stop"}], with_usage, None)
        if with_usage:
            self.event(body, [], True, usage)
        self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    def event(self, body, choices, with_usage, usage):
        event = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": CREATED,
                 "model": body["model"], "choices": choices}
        if with_usage:
            event["usage"] = usage
        self.chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def chunk(self, payload):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(payload), payload))
        self.wfile.flush()

    def embed(self, body):
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        tokens = sum(len(text.split()) for text in texts)
        self.note(body, tokens, 0)
        vector = EMBEDDING
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{len(EMBEDDING)}f", *EMBEDDING)).decode()
        data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(len(texts))]
        self.answer({"object": "list", "model": body["model"], "data": data,
                     "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})

    def note(self, body, input_tokens, output_tokens):
        self.server.journal.append({
            "path": self.path, "model": body["model"], "authorization": self.headers["authorization"],
            "stream": bool(body.get("stream")), "stream_options": body.get("stream_options"),
            "encoding_format": body.get("encoding_format"),
            "input_tokens": input_tokens, "output_tokens": output_tokens,
        })

    def refuse(self, status, code):
        self.answer({"error": {"message": "mock", "type": "mock", "param": None, "code": code}}, status)

    def answer(self, body, status=200):
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def text_of(message):
    content = message["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
