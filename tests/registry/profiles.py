"""How each kind of registry behaves: data only. A running registry has a copy of its own, of which
tests may change any field (control: POST /settings)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

Error = tuple[int, str, str]  # status, code, message

PLAIN_NOT_FOUND: Error = (404, "", "404 page not found")
TAG_BY_DIGEST: Error = (400, "DIGEST_INVALID", "provided digest did not match uploaded content")
UNSUPPORTED: Error = (405, "UNSUPPORTED", "The operation is unsupported.")
NAME_UNKNOWN: Error = (404, "NAME_UNKNOWN", "repository name not known to registry")


@dataclass
class Profile:
    name: str
    # The real host names by role, for who maps them by a proxy (--names).
    hosts: dict[str, str] = field(default_factory=dict)
    prefix: str = ""  # a second place of the API: PREFIX/<key>/v2/... is /v2/<key>/...

    # What tells the kind.
    headers: dict[str, str] = field(default_factory=dict)  # on every answer
    ping_body: str = "{}"

    # Who gets in.
    auth: str = "none"  # none, basic, bearer
    account: str = "user"  # the user it has by default, where auth is not none
    realm_role: str = "registry"
    realm_path: str = "/token"
    service: str = "registry"
    challenge: str = 'Bearer realm="{realm}",service="{service}"{scope}'
    basic_challenge: str = 'Basic realm="registry"'
    basic_too: bool = False  # a bearer registry that takes Basic on data requests
    direct_bearer: str = ""  # the password as Bearer token: raw, or base64
    token_keys: tuple[str, ...] = ("token", "access_token")
    token_post: bool = True  # OAuth2 POST at the realm
    token_lifetime: int = 300
    tell_lifetime: bool = True
    flat_scope: str = ""  # one scope for everything
    refuse_actions: tuple[str, ...] = ()  # the token server refuses who asks for these
    delete_action: str = "delete"  # what a deletion needs
    anonymous: str = ""  # what everybody may: "pull" or "pull,push,delete" or ""
    public: str = "*"  # ... and in which repositories (a shell pattern)
    offers: bool = False  # basic: lets everybody in at /v2/, and tells there that there are logins
    anonymous_token: bool = True  # a token (if an empty one) for who has no account
    insufficient: Error | None = None  # instead of 401 with error="insufficient_scope"
    bare_errors: bool = False  # 401's body is the bare object

    # Listings.
    # open, missing, denied, empty, admin (Basic by an admin only), keyed, visible (quay),
    # filtered (to what one may pull)
    catalog: str = "open"
    catalog_order: str = "components"  # components, bytes, number
    catalog_paging: str = "last"  # see `paging`
    catalog_default: int = 100  # page without n; 0: all
    catalog_max: int = 1000  # 0: any n
    catalog_over: str = "error"  # n above: error, clamp
    tag_order: str = "bytes"  # bytes, none
    paging: str = "last"  # none, last, existing (`last` must exist), opaque
    page_default: int = 0
    page_max: int = 1000
    page_over: str = "clamp"
    link: str = "relative"  # relative, absolute, unescaped
    link_extra: str = ""  # put into each link's query
    null_tags: bool = False  # "tags":null for an empty list
    children: bool = False  # tags/list of a parent has `child` and `manifest`

    # Blobs.
    redirect: int = 0  # status by which blobs are sent to the other origin; 0: served here
    head_redirects: bool = False  # HEAD too, and there it is refused (403)
    location: str = "absolute"  # of uploads: absolute, relative, elsewhere (the other origin)
    state: bool = True  # with ?_state=
    mount: str = "yes"  # yes, any (from any repository), never (202), or error (405)
    chunked: bool = True  # takes bodies without Content-Length
    single_post: bool = False
    empty_blobs: bool = True
    range_check: bool = False

    # Manifests.
    accept_strict: bool = True  # 404 where Accept does not name the stored type
    docker_types: bool = True
    media_type_inside: bool = False  # refuses manifests without mediaType
    etag: bool = True
    tell_digest: bool = True
    referrers: bool = False
    referrers_error: Error = PLAIN_NOT_FOUND
    tag_delete: Error | None = None  # None: 202, untags
    digest_delete: Error | None = None
    delete_tagged: bool = True  # False: a manifest with tags cannot be deleted

    # What must be there first: so many leading components (-1: the whole name).
    made_levels: int = 0
    not_made: Error = NAME_UNKNOWN
    unknown: Error = NAME_UNKNOWN  # a repository that is not there
    unknown_manifest: Error | None = None  # where it is not MANIFEST_UNKNOWN
    least_levels: int = 1

    # Settings of tests.
    immutable: bool = False
    immutable_error: Error = (409, "TAG_IMMUTABLE", "the tag is immutable")
    quota: bool = False
    quota_error: Error = (403, "DENIED", "Quota has been exceeded on namespace")
    read_only: bool = False
    pull_limit: int = -1  # so many GETs of manifests are left, then 429
    login_delay: float = 0.0  # seconds before wrong credentials are answered
    warning: str = ""  # a Warning header


V2 = {"Docker-Distribution-Api-Version": "registry/2.0"}
DENIED: Error = (403, "DENIED", "requested access to the resource is denied")

DISTRIBUTION_2 = Profile(
    "distribution-2", headers=V2, anonymous="pull,push,delete",
    basic_challenge='Basic realm="basic-realm"',
    tag_order="none", paging="none", null_tags=True, tag_delete=TAG_BY_DIGEST)

ALL = [
    DISTRIBUTION_2,
    replace(
        DISTRIBUTION_2, name="distribution-3", tag_order="bytes", paging="last", page_max=1000,
        page_over="clamp", null_tags=False, tag_delete=None, range_check=True),
    Profile(
        "zot", headers={"Docker-Distribution-Api-Version": "registry/2.0"}, ping_body="",
        anonymous="pull,push,delete", basic_challenge="basic realm=zot", bare_errors=True,
        challenge='bearer realm={realm},service={service}{scope}', catalog_paging="existing",
        catalog_default=0, catalog_max=0, paging="existing", page_max=0, link="unescaped",
        location="relative", state=False, mount="any", single_post=True, accept_strict=False,
        docker_types=False, etag=False, referrers=True, range_check=True,
        immutable_error=DENIED),
    Profile(
        "ecr", hosts={"registry": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
                      "blobs": "prod-starport-layer-bucket.s3.eu-central-1.amazonaws.com"},
        headers=V2, auth="basic", account="AWS",
        basic_challenge='Basic realm="https://{host}/",service="ecr.amazonaws.com"',
        catalog_order="bytes", catalog_paging="opaque", catalog_default=100, paging="opaque",
        page_default=1000, redirect=307, mount="never", chunked=False,
        referrers=True, delete_tagged=True, made_levels=-1,
        not_made=(404, "NAME_UNKNOWN", "The repository with name '{name}' does not exist in the "
                  "registry with id '123456789012'"),
        unknown=(404, "NAME_UNKNOWN", "The repository with name '{name}' does not exist in the "
                 "registry with id '123456789012'"),
        tag_delete=(405, "UNSUPPORTED", "Invalid parameter at 'imageDigest'"),
        immutable_error=(400, "TAG_INVALID", "The image tag '{tag}' already exists in the '{name}' "
                         "repository and cannot be overwritten because the repository is "
                         "immutable.")),
    Profile(
        "ecr-public", hosts={"registry": "public.ecr.aws",
                             "blobs": "d2glxqk2uabbnd.cloudfront.net"},
        headers=V2, auth="bearer", account="AWS", realm_path="/token/", service="public.ecr.aws",
        challenge='Bearer realm="{realm}",service="{service}",scope="aws"', flat_scope="aws",
        token_keys=("token",), token_post=False, anonymous="pull", catalog="missing",
        paging="opaque", page_default=1000, redirect=307, mount="error", chunked=False,
        made_levels=-1,
        not_made=(404, "NAME_UNKNOWN", "The repository with name '{name}' does not exist"),
        tag_delete=UNSUPPORTED,
        immutable_error=(400, "TAG_INVALID", "The image tag '{tag}' already exists in the '{name}' "
                         "repository and cannot be overwritten because the repository is "
                         "immutable.")),
    Profile(
        "acr", hosts={"registry": "example.azurecr.io",
                      "blobs": "weuman01.blob.core.windows.net"},
        headers={**V2, "Server": "AzureContainerRegistry",
                 "X-Ms-Correlation-Request-Id": "6d6f8a0e-1f0a-4c5e-9b5c-111111111111"},
        auth="bearer", account="00000000-0000-0000-0000-000000000000",
        realm_path="/oauth2/token", service="{host}", token_keys=("access_token",),
        tell_lifetime=False, token_lifetime=4500, anonymous_token=False, basic_too=True,
        catalog_order="bytes", catalog_default=100, link_extra="orderby=", page_default=100,
        redirect=307, location="relative", referrers=True,
        immutable_error=(405, "DENIED", "The operation is disallowed on this registry, repository "
                         "or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-"
                         "my-pull-or-push-request-fail-with-disallowed-operation")),
    Profile(
        "cloudsmith", hosts={"registry": "docker.cloudsmith.io",
                             "blobs": "dl.cloudsmith.io"},
        headers=V2, auth="bearer", account="user", realm_path="/v2/token",
        service="https://docker.cloudsmith.io", token_keys=("token",), token_post=False,
        anonymous="pull", catalog="denied", page_default=100, redirect=302, mount="never",
        referrers=True, tag_delete=UNSUPPORTED, made_levels=2, least_levels=3,
        not_made=(404, "NAME_UNKNOWN", "Repository not found"),
        immutable_error=(409, "DENIED", "The package already exists and republishing is not "
                         "allowed")),
    Profile(
        "hub", hosts={"registry": "registry-1.docker.io", "token": "auth.docker.io",
                      "blobs": "production.cloudflare.docker.com", "api": "hub.docker.com"},
        headers={**V2, "Docker-Ratelimit-Source": "192.0.2.1"}, auth="bearer",
        realm_role="token", realm_path="/token", service="registry.docker.io", anonymous="pull",
        catalog="denied", page_default=0, page_max=1000, redirect=307, mount="yes",
        tag_delete=UNSUPPORTED, digest_delete=UNSUPPORTED,
        unknown_manifest=(404, "MANIFEST_UNKNOWN", "manifest unknown"),
        immutable_error=(400, "DENIED", "tag is immutable")),
    Profile(
        "gar", hosts={"registry": "europe-west3-docker.pkg.dev",
                      "blobs": "storage.googleapis.com"},
        headers=V2, auth="bearer", account="oauth2accesstoken", realm_path="/v2/token",
        service="{host}", token_keys=("token",), direct_bearer="raw", basic_too=True,
        token_post=False, anonymous_token=True, catalog="denied", paging="none", children=True,
        redirect=302, head_redirects=True, empty_blobs=False, chunked=False, referrers=False,
        delete_tagged=False, made_levels=2, least_levels=3,
        not_made=(404, "NAME_UNKNOWN", "Repository \"{name}\" not found"),
        immutable_error=(400, "DENIED", "The repository has enabled tag immutability. The tag "
                         "{tag} cannot be moved")),
    Profile(
        "harbor", hosts={"registry": "harbor.example.com"},
        headers={"Set-Cookie": "sid=0123456789abcdef; Path=/; HttpOnly", "Server": "nginx",
                 "X-Request-Id": "9f0c2f6a-0000-4000-8000-000000000001", **V2},
        auth="bearer", account="admin", realm_path="/service/token", service="harbor-registry",
        token_keys=("token", "access_token"), token_lifetime=1800, token_post=False,
        basic_too=True, catalog="admin", catalog_order="bytes", catalog_paging="existing",
        catalog_default=0, catalog_max=0, page_max=0, location="relative", referrers=True,
        tag_delete=(400, "UNSUPPORTED", "the operation is unsupported"), made_levels=1,
        least_levels=2, not_made=(401, "UNAUTHORIZED", "project {project} not found: project "
                                  "{project} not found"),
        unknown=(404, "NOT_FOUND", "repository {name} not found"),
        unknown_manifest=(404, "NOT_FOUND", "artifact {name}:{tag} not found"),
        quota_error=(403, "DENIED", "adding 1 MiB of storage resource, which when updated to "
                     "current usage will exceed the configured upper limit"),
        immutable_error=(412, "PRECONDITION", "Failed to process request due to '{tag}' configured "
                         "as immutable.")),
    Profile(
        "ibm", hosts={"registry": "de.icr.io",
                      "blobs": "s3.eu-de.cloud-object-storage.appdomain.cloud"},
        headers=V2, auth="bearer", account="iamapikey", realm_path="/oauth/token",
        service="registry", token_keys=("token", "access_token"), catalog="missing",
        redirect=307, mount="never", tag_delete=UNSUPPORTED, made_levels=1, least_levels=2,
        not_made=(403, "DENIED", "You are not authorized to access the specified resource: "
                  "namespace {project} does not exist"),
        quota_error=(403, "DENIED", "You have exceeded your storage quota. Delete one or more "
                     "images, or review your storage quota and pricing plan."),
        immutable_error=DENIED),
    Profile(
        "artifactory", hosts={"registry": "example.jfrog.io"}, prefix="/artifactory/api/docker",
        headers={**V2, "X-Jfrog-Version": "Artifactory/7.98.7 79807900",
                 "X-Artifactory-Id": "0123456789abcdef", "X-Artifactory-Node-Id": "a0"},
        auth="bearer", realm_path="/v2/token", service="{host}", token_keys=("token",),
        token_post=False, basic_too=True, direct_bearer="raw", catalog="keyed",
        catalog_order="bytes", catalog_default=0, catalog_max=0, page_max=0, referrers=True,
        made_levels=1, least_levels=2,
        not_made=(404, "NAME_UNKNOWN", "The repository key {project} does not exist"),
        immutable_error=(403, "DENIED", "Not enough permissions to overwrite artifact '{name}:"
                         "{tag}' (user needs DELETE permission).")),
    Profile(
        "repoflow", hosts={"registry": "registry.repoflow.example"}, headers=V2, auth="basic",
        catalog="missing", page_max=0, location="relative", state=False, mount="error",
        tag_delete=UNSUPPORTED, immutable_error=(409, "DENIED", "the tag exists already")),
    Profile(
        "ghcr", hosts={"registry": "ghcr.io", "blobs": "pkg-containers.githubusercontent.com"},
        headers={**V2, "X-Github-Request-Id": "C0FE:1A2B:3C4D5E:6F7081:00000001"},
        auth="bearer", service="ghcr.io", token_keys=("token",), token_post=False,
        tell_lifetime=False, anonymous="pull", direct_bearer="base64", catalog="missing",
        page_default=100, redirect=307, location="relative", insufficient=DENIED,
        unknown=DENIED, tag_delete=UNSUPPORTED, digest_delete=UNSUPPORTED,
        immutable_error=DENIED),
    Profile(
        "quay", hosts={"registry": "quay.io", "blobs": "cdn03.quay.io"},
        headers={"Server": "nginx/1.22.1"}, ping_body="true", auth="bearer", realm_path="/v2/auth",
        service="{host}", token_keys=("token",), tell_lifetime=False, token_post=False,
        token_lifetime=3600, anonymous="pull", refuse_actions=("delete",), delete_action="push",
        catalog="visible", catalog_order="number", catalog_paging="opaque", catalog_default=100,
        catalog_max=100, catalog_over="clamp", page_default=100, page_max=100, link="absolute",
        redirect=302, referrers=True, made_levels=1, least_levels=2,
        not_made=(401, "UNAUTHORIZED", "access to the requested resource is not authorized"),
        unknown=(404, "NAME_UNKNOWN", "repository not found")),
    Profile(
        "gitlab", hosts={"registry": "registry.gitlab.com", "token": "gitlab.com",
                         "blobs": "cdn.registry.gitlab-static.net"},
        headers={**V2, "Gitlab-Container-Registry-Version": "4.13.0-gitlab",
                 "Gitlab-Container-Registry-Features": "tag_delete"}, auth="bearer",
        realm_role="token", realm_path="/jwt/auth", service="container_registry",
        token_keys=("token",), tell_lifetime=False, anonymous_token=True, token_post=False,
        catalog="denied", page_default=100, redirect=307, made_levels=2, least_levels=2,
        not_made=DENIED),
]

PROFILES = {profile.name: profile for profile in ALL}
