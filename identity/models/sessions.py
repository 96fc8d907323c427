"""Sessions: the portal's, those of the embedded provider, and the devices that were seen before."""

from django.db import models
from django.utils import timezone

from identity.models.people import Resident


class KnownDevice(models.Model):
    """A browser that this resident signed in with before, known by a random cookie of which only the hash is kept."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="devices")
    secret_sha256 = models.CharField(max_length=64)
    label = models.CharField(max_length=100, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    """The last sign-in from it."""
    remembered = models.BooleanField(default=False)
    """Sessions of this resident on it hold for weeks."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["resident", "secret_sha256"], name="one_row_per_device"),
        ]

    def __str__(self) -> str:
        return self.label


class SignInLetter(models.Model):
    """A mail that is still to be written: somebody signed in from a device that is new; gone once it is sent.

    A row of its own, because the session that it tells of may be over before the mail is away.
    """

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="letters")
    label = models.CharField(max_length=100, blank=True)
    signed_in_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="letter_by_time")]

    def __str__(self) -> str:
        return f"{self.signed_in_at:%Y-%m-%d %H:%M}"


class OidcSession(models.Model):
    """Ties a portal session to the session at the ID, so that one logout ends both."""

    issuer = models.CharField(max_length=255)
    sub = models.CharField(max_length=255)
    sid = models.CharField(max_length=255, blank=True)
    session_key = models.CharField(max_length=64, unique=True)
    id_token_sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    label = models.CharField(max_length=100, blank=True)
    """Browser and system in two words, such as "Chrome, Android"; never an address."""
    device = models.ForeignKey(KnownDevice, null=True, on_delete=models.SET_NULL)

    class Meta:
        indexes = [models.Index(fields=["issuer", "sub", "sid"], name="oidc_session_lookup")]

    def __str__(self) -> str:
        return self.sid


class ProviderSession(models.Model):
    """One client's part in one sign-in at the embedded provider, with a `sid` of its own.

    Gadgets cannot correlate residents by `sid`, because no two clients see the same one.
    """

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="provider_sessions")
    client_id = models.CharField(max_length=255)
    sid = models.CharField(max_length=64, unique=True)
    sign_in = models.CharField(max_length=64)
    session_key = models.CharField(max_length=64)
    auth_time = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sign_in", "client_id"], name="one_sid_per_client_and_sign_in"),
        ]

    def __str__(self) -> str:
        return self.sid


class ProviderCode(models.Model):
    """An authorization code of the embedded provider, kept after its use so that a replay is noticed."""

    code_sha256 = models.CharField(max_length=64, primary_key=True)
    session = models.ForeignKey(ProviderSession, on_delete=models.CASCADE, related_name="codes")
    access_token_id = models.BigIntegerField(null=True)
    tells_auth_time = models.BooleanField(default=False, db_default=False)
    """Whether the request asked for it by `max_age`: the same moment at two clients would join their pseudonyms."""
    used_at = models.DateTimeField(null=True)
    replayed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.code_sha256[:12]


class SeenToken(models.Model):
    """A logout token that the portal itself has accepted: the constraint refuses its replay."""

    issuer = models.CharField(max_length=255)
    jti = models.CharField(max_length=255)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "jti"], name="one_use_per_logout_token")]

    def __str__(self) -> str:
        return self.jti
