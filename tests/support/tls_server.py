"""A PostgreSQL server that lets nobody in without TLS, as managed ones do.

The embedded server is built without TLS, so a proxy in front of it ends the encryption that the client starts.
"""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# "SSLRequest" of the protocol's message formats: its length, and the code 1234,5679.
_SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
# AuthenticationCleartextPassword
_ASKS_FOR_PASSWORD = bytes.fromhex("52 00000008 00000003")
_REFUSAL = b"SFATAL\0C28000\0Mno pg_hba.conf entry, no encryption\0\0"


@contextlib.contextmanager
def tls_only(port: int, folder: Path, hand_over: Callable[[bytes], bytes] | None = None) -> Iterator[tuple[int, Path]]:
    """In front of the server on `port` of 127.0.0.1: the port to use instead, and the file of its authority.

    `hand_over`: given a password that a client sends in clear, as the server asked, what the server gets instead.
    """
    certificate = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, port, hand_over), daemon=True).start()
        yield listener.getsockname()[1], certificate
        listener.shutdown(socket.SHUT_RDWR)


type _HandOver = Callable[[bytes], bytes] | None


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int, hand_over: _HandOver) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, context, port, hand_over), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, port: int, hand_over: _HandOver) -> None:
    with plain, contextlib.suppress(OSError):
        if plain.recv(8, socket.MSG_WAITALL) != _SSL_REQUEST:
            plain.sendall(b"E" + (len(_REFUSAL) + 4).to_bytes(4, "big") + _REFUSAL)
            return
        plain.sendall(b"S")
        with (
            context.wrap_socket(plain, server_side=True) as client,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            if hand_over is not None:
                _sign_in(client, server, hand_over)
            answers = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            answers.start()
            _pass_on(client, server)
            server.shutdown(socket.SHUT_RDWR)
            answers.join()


def _sign_in(client: socket.socket, server: socket.socket, hand_over: Callable[[bytes], bytes]) -> None:
    """Pass on the start-up and the server's answer; if that asks for a password in clear, hand it over."""
    server.sendall(_received(client, b""))
    answer = _received(server, server.recv(1, socket.MSG_WAITALL))
    client.sendall(answer)
    if answer == _ASKS_FOR_PASSWORD:
        given = _received(client, client.recv(1))
        password = hand_over(given[5:-1]) + b"\0"
        server.sendall(given[:1] + (len(password) + 4).to_bytes(4, "big") + password)


def _received(source: socket.socket, kind: bytes) -> bytes:
    """One whole message, whose length stands before it."""
    message = b""
    length = 4
    while len(message) < length:
        data = source.recv(length - len(message))
        if not data:
            raise ConnectionError("the other side is gone")
        message += data
        if len(message) == 4 and length == 4:
            length = int.from_bytes(message, "big")
    return kind + message


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    )
    (folder / "authority.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "authority.pem"
