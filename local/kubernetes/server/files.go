package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	certutil "k8s.io/client-go/util/cert"
)

// A sandbox is younger than its certificate, so nothing here renews one.
const certificateLifetime = 10 * 365 * 24 * time.Hour

// files names what the components read, all of it in the data folder with mode 0600. Secrets travel in files, never
// in arguments, which every user of the machine can read.
type files struct {
	tokens, serviceAccountKey, encryption, certificate, certificateKey, kubeconfig string
}

// prepareFiles makes what is missing; what an earlier run made is kept, so that tokens and data stay readable.
func prepareFiles(port int) (files, error) {
	f := files{
		tokens:            "tokens.csv",
		serviceAccountKey: "service-account.key",
		encryption:        "encryption.yaml",
		certificate:       "apiserver.crt",
		certificateKey:    "apiserver.key",
		kubeconfig:        "kubeconfig",
	}
	token, err := keep("admin.token", func() ([]byte, error) {
		secret := make([]byte, 32)
		_, err := rand.Read(secret)
		return []byte(hex.EncodeToString(secret)), err
	})
	if err != nil {
		return f, err
	}
	if err := write(f.tokens, fmt.Appendf(nil, "%s,admin,admin,system:masters\n", token)); err != nil {
		return f, err
	}
	if _, err := keep(f.serviceAccountKey, newServiceAccountKey); err != nil {
		return f, err
	}
	if _, err := keep(f.encryption, newEncryptionConfiguration); err != nil {
		return f, err
	}
	authority, err := prepareCertificate(f)
	if err != nil {
		return f, err
	}
	return f, writeKubeconfig(f.kubeconfig, port, string(token), authority)
}

// prepareCertificate returns the chain that clients verify the API server with.
func prepareCertificate(f files) ([]byte, error) {
	if chain, err := os.ReadFile(f.certificate); err == nil {
		return chain, nil
	}
	chain, key, err := certutil.GenerateSelfSignedCertKeyWithOptions(certutil.SelfSignedCertKeyOptions{
		Host: "127.0.0.1", AlternateDNS: []string{"localhost"}, MaxAge: certificateLifetime,
	})
	if err != nil {
		return nil, err
	}
	// The key first: a certificate in place means that both are.
	return chain, errors.Join(write(f.certificateKey, key), write(f.certificate, chain))
}

func newServiceAccountKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), err
}

// newEncryptionConfiguration has Secrets encrypted at rest (FC-175).
func newEncryptionConfiguration() ([]byte, error) {
	key := make([]byte, 32)
	_, err := rand.Read(key)
	return fmt.Appendf(nil, `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: {keys: [{name: sandbox, secret: %s}]}
`, base64.StdEncoding.EncodeToString(key)), err
}

func writeKubeconfig(path string, port int, token string, authority []byte) error {
	const name = "sandbox"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{
		Server: fmt.Sprintf("https://127.0.0.1:%d", port), CertificateAuthorityData: authority,
	}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	content, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	return write(path, content)
}

// keep returns the file's content, made on the first run.
func keep(path string, make func() ([]byte, error)) ([]byte, error) {
	content, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	if content, err = make(); err != nil {
		return nil, err
	}
	return content, write(path, content)
}

// write puts a whole file in place by one rename, so that a killed process leaves no half of one.
func write(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
