"""XML in and out: reply documents, error bodies, and strict parsing of request bodies."""

import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote

from errors import refuse

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile("[&<>\"\x00-\x08\x0b-\x1f]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}


def escape(text):
    """Text for element content. Control characters become references, as S3 writes them
    (which XML 1.0 does not allow: the reason why encoding-type=url exists)."""
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0]) or f"&#x{ord(found[0]):x};", text)


def node(name, content=""):
    """`<name>content</name>`; content is text, or a list of nodes that are joined."""
    if isinstance(content, list):
        return f"<{name}>{''.join(content)}</{name}>"
    return f"<{name}>{escape(str(content))}</{name}>"


def optional(name, value):
    """A list with the node, or an empty list when there is no value."""
    return [] if value is None else [node(name, value)]


def document(root, children, namespace=S3_NAMESPACE):
    """A whole document as bytes; keys that are not UTF-8 go out as they came in."""
    attribute = f' xmlns="{namespace}"' if namespace else ""
    text = f"{DECLARATION}<{root}{attribute}>{''.join(children)}</{root}>"
    return text.encode("utf-8", "surrogateescape")


def key_text(key, url):
    """A key (bytes) as list replies carry it: raw, or with encoding-type=url percent-encoded,
    where a space is `+` and `/` stays (Amazon S3 API reference, ListObjectsV2)."""
    if url:
        return quote(key, safe="/ ").replace(" ", "+")
    return key.decode("utf-8", "surrogateescape")


def error_body(error, request_id, host_id, resource):
    """The S3 error document."""
    children = [node("Code", error.code), node("Message", error.message)]
    children += [node(name, value) for name, value in error.fields]
    if resource is not None:
        children.append(node("Resource", resource))
    children += [node("RequestId", request_id), node("HostId", host_id)]
    return document("Error", children, namespace=None)


def sts_error_body(error, request_id):
    """The error document of the query protocol, which STS speaks."""
    kind = "Sender" if error.status < 500 else "Receiver"
    inner = node("Error", [node("Type", kind), node("Code", error.code),
                           node("Message", error.message)])
    return document("ErrorResponse", [inner, node("RequestId", request_id)], STS_NAMESPACE)


class Element:
    """A parsed request element, with the namespace taken off every name."""

    def __init__(self, raw):
        self.name = raw.tag.rpartition("}")[2]
        self.text = raw.text or ""
        self.children = [Element(child) for child in raw]

    def all(self, name):
        """All children of that name."""
        return [child for child in self.children if child.name == name]

    def value(self, name):
        """The text of the only child of that name, or None; two of them are MalformedXML."""
        found = self.all(name)
        if len(found) > 1:
            raise refuse("MalformedXML")
        return found[0].text if found else None

    def only(self, *names):
        """Refuse children that we do not know, so that nothing sent is ignored."""
        for child in self.children:
            if child.name not in names:
                raise refuse("MalformedXML", f"unknown element {child.name} in {self.name}")
        return self


def parse(body, root):
    """The root element of a request body, or MalformedXML."""
    data = bytes(body)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise refuse("MalformedXML")
    try:
        element = Element(ElementTree.fromstring(data))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise refuse("MalformedXML") from error
    if element.name != root:
        raise refuse("MalformedXML", f"expected {root}, got {element.name}")
    return element
