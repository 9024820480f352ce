/** For users of drizzle-kit (studio, generate to compare); the product itself runs the SQL in `migrations/`. */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/store/schema/*.ts',
  out: './drizzle/out',
});
