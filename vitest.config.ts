import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["client/tests/**/*.test.ts", "widget/tests/**/*.test.ts", "agent_console/tests/**/*.test.ts"],
    environment: "happy-dom",
    restoreMocks: true,
  },
});
