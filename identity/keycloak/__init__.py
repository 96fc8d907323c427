"""The regional ID kept by a Keycloak."""
