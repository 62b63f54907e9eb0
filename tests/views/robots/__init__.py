import workflow_scripts.views.robots  # noqa: F401 - says which OpenGL before MuJoCo is imported
