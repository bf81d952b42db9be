"""What makes nodes and API stricter than k3s is by itself: its CIS hardening guide, and what this platform adds."""

from __future__ import annotations

from typing import Any

SYSCTL = """\
# What kubelet expects when it may not change the kernel itself (k3s CIS hardening guide).
vm.panic_on_oom = 0
vm.overcommit_memory = 1
kernel.panic = 10
kernel.panic_on_oops = 1
# Many pods watch many files.
fs.inotify.max_user_instances = 8192
fs.inotify.max_user_watches = 524288
"""

SSHD = """\
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
X11Forwarding no
AllowAgentForwarding no
MaxAuthTries 3
LoginGraceTime 30
"""

# Upgrades come with a node's next generation, never by night.
APT = """\
APT::Periodic::Update-Package-Lists "0";
APT::Periodic::Unattended-Upgrade "0";
Unattended-Upgrade::Automatic-Reboot "false";
"""

# A server's metadata hold its user data, and with it the join token: no pod may read them (pods are forwarded; what
# runs on the host's own network is not).
METADATA_GUARD = """\
table inet foundation
delete table inet foundation
table inet foundation {
  chain metadata {
    type filter hook forward priority -10; policy accept;
    ip daddr 169.254.169.254 counter drop
  }
}
"""

# Suites of TLS 1.2 with forward secrecy; those of TLS 1.3 are always on.
CIPHERS = (
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
)

KUBELET = {
    # Nodes are told by the cloud controller manager what they are.
    "cloud-provider": "external",
    "streaming-connection-idle-timeout": "5m",
    "tls-cipher-suites": ",".join(CIPHERS),
    # A fork bomb ends with its pod.
    "pod-max-pids": "4096",
}

# Namespaces without a Pod Security level of their own get the strictest.
UNRESTRICTED_NAMESPACES = ("kube-system",)


def admission_configuration() -> dict[str, Any]:
    """The API's admission: Pod Security for namespaces without labels, and a limit against floods of events."""
    levels = {
        f"{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", "restricted"), ("-version", "latest"))
    }
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [
            {
                "name": "PodSecurity",
                "configuration": {
                    "apiVersion": "pod-security.admission.config.k8s.io/v1",
                    "kind": "PodSecurityConfiguration",
                    "defaults": levels,
                    "exemptions": {
                        "usernames": [],
                        "runtimeClasses": [],
                        "namespaces": list(UNRESTRICTED_NAMESPACES),
                    },
                },
            },
            {
                "name": "EventRateLimit",
                "configuration": {
                    "apiVersion": "eventratelimit.admission.k8s.io/v1alpha1",
                    "kind": "Configuration",
                    "limits": [{"type": "Server", "qps": 5000, "burst": 20000}],
                },
            },
        ],
    }


def audit_policy() -> dict[str, Any]:
    """What the API records of requests: who did what, never what a Secret or a token holds."""
    rules: list[dict[str, Any]] = [
        # Noise of the cluster's own parts.
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*"]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {
            "level": "None",
            "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"],
            "verbs": ["get", "list", "watch"],
        },
        # Bodies of these are secrets.
        {
            "level": "Metadata",
            "resources": [
                {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
                # HelmChart objects hold charts' values.
                {"group": "helm.cattle.io"},
            ],
        },
        # Who may do what, and who entered a pod, in full.
        {"level": "RequestResponse", "resources": [{"group": "rbac.authorization.k8s.io"}]},
        {
            "level": "Request",
            "resources": [{"group": "", "resources": ["pods/exec", "pods/attach", "pods/portforward"]}],
        },
        {"level": "Metadata"},
    ]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": rules,
    }
